package app;

/** A plain class with a method for a handler, and an event with a type. */
public class Orders {
  public Order twice(Order order) {
    order.setCount(2 * order.getCount());
    return order;
  }
}
