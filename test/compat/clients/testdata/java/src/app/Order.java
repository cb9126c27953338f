package app;

/** An event with a type: the client fills it in. */
public class Order {
  private String item;
  private int count;

  public String getItem() {
    return item;
  }

  public void setItem(String item) {
    this.item = item;
  }

  public int getCount() {
    return count;
  }

  public void setCount(int count) {
    this.count = count;
  }
}
