FROM = "one"
ONE = True
