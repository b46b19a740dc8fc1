/**
 * What every track's view offers the player.
 */

export interface View {
  readonly element: HTMLElement;
  /** Shows the track as it stood at `t`, in seconds of recording time. */
  show(t: number): void;
  /** The pane has another size. */
  fit?(): void;
  /** What the pane's header says beside its name. */
  status?(t: number): string;
}
