// A module that cannot be imported.
throw new RangeError('not today');
