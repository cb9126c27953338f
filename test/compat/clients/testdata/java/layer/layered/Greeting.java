package layered;

/** Comes in a layer. */
public class Greeting {
  @Override
  public String toString() {
    return "from a layer";
  }
}
