// Undo and redo of any immutable value.

/** How many steps can be undone. */
export const maxSteps = 200;
/** How much the steps may weigh together. */
export const maxWeight = 16_000_000;
/** Changes with the same key within this time, in milliseconds, are one step: typing. */
export const typingPause = 1000;

export class History<T extends object> {
  private past: T[] = [];
  private future: T[] = [];
  private key: string | undefined;
  private at = 0;

  /**
   * weigh says how much memory a step keeps, in characters; steps are dropped, the oldest first, beyond
   * maxWeight.
   */
  constructor(
    private present: T,
    private readonly weigh: (value: T) => number = () => 0,
    private readonly now: () => number = Date.now,
  ) {}

  get value(): T {
    return this.present;
  }
  get canUndo(): boolean {
    return this.past.length > 0;
  }
  get canRedo(): boolean {
    return this.future.length > 0;
  }

  /**
   * Makes a step. With coalesce, it is joined with the step before it if that has the same key and is recent.
   */
  push(value: T, coalesce?: string): void {
    if (value === this.present) return;
    const now = this.now();
    const joined =
      coalesce !== undefined && coalesce === this.key && now - this.at < typingPause && this.past.length > 0;
    if (!joined) {
      this.past.push(this.present);
      this.bound();
    }
    this.present = value;
    this.future = [];
    this.key = coalesce;
    this.at = now;
  }

  private bound(): void {
    let weight = 0;
    let keep = 0;
    while (keep < this.past.length && keep < maxSteps) {
      weight += this.weigh(this.past[this.past.length - 1 - keep]!);
      if (weight > maxWeight && keep > 0) break;
      keep++;
    }
    this.past.splice(0, this.past.length - keep);
  }

  /** Changes the present without a step. */
  replace(value: T): void {
    this.present = value;
    this.key = undefined;
  }

  undo(): void {
    this.step(this.past, this.future);
  }
  redo(): void {
    this.step(this.future, this.past);
  }

  private step(from: T[], to: T[]): void {
    const value = from.pop();
    if (value === undefined) return;
    to.push(this.present);
    this.present = value;
    this.key = undefined;
  }
}
