FROM = "two"
