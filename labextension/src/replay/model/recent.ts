/**
 * Keeps what was made last, for a reader that mostly goes on where it was.
 */
export class Recent<K, V> {
  /** The newest at the end. */
  private readonly kept = new Map<K, Promise<V>>();

  constructor(private readonly most: number) {}

  /** What is kept for a key, or else is made now; what fails is not kept. */
  get(key: K, make: () => Promise<V>): Promise<V> {
    const value = this.kept.get(key) ?? make();
    this.kept.delete(key);
    this.kept.set(key, value);
    value.catch(() => this.kept.delete(key));
    if (this.kept.size > this.most) {
      this.kept.delete(this.kept.keys().next().value!);
    }
    return value;
  }

  forget(key: K): void {
    this.kept.delete(key);
  }
}
