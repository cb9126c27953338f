package records

// NewOf is New of a set that knows other kinds than schema.Kinds.
var NewOf = newSet
