package app;

/** A class that cannot be loaded. */
public class Broken extends App {
  static final int VALUE = Integer.parseInt("not today");
}
