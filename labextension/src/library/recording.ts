/**
 * One recording as the server lists it: read from JSON that may be anything, and put into words.
 */

export type Kind = 'notebook' | 'terminal' | 'chat';
export type State = 'recording' | 'completed' | 'interrupted' | 'recovered' | 'corrupt';

/** Up to which event of its journal a live recording is on the disk, and what is not. */
export interface Safety {
  readonly seq: number;
  /** Events, and pieces of terminals, that are not there yet. */
  readonly unsafe: number;
  /** What is wrong; empty: nothing. */
  readonly error: string;
}

export interface Recording {
  readonly id: string;
  readonly name: string;
  /** Empty: none. */
  readonly title: string;
  readonly tags: readonly string[];
  readonly kind: Kind;
  readonly state: State;
  readonly reason: string;
  /** Unix ms. */
  readonly startedAt: number;
  /** Unix ms; null while it is recorded. */
  readonly endedAt: number | null;
  readonly counts: Readonly<Record<string, number>>;
  readonly safe: Safety | null;
  /** The kernel that records; empty: none. */
  readonly kernelId: string;
}

const KINDS: readonly string[] = ['notebook', 'terminal', 'chat'] satisfies Kind[];

/** Reads a manifest with labels; null for what is none. */
export function readRecording(raw: unknown): Recording | null {
  if (!isObject(raw) || typeof raw.id !== 'string' || raw.id === '') {
    return null;
  }
  return {
    id: raw.id,
    name: text(raw.name) || raw.id,
    title: text(raw.title),
    tags: Array.isArray(raw.tags) ? raw.tags.filter(tag => typeof tag === 'string') : [],
    kind: KINDS.includes(text(raw.kind)) ? (raw.kind as Kind) : 'notebook',
    state: text(raw.state) as State,
    reason: text(raw.reason),
    startedAt: number(raw.started_at) ?? 0,
    endedAt: number(raw.ended_at),
    counts: readCounts(raw.counts),
    safe: readSafety(raw.safe),
    kernelId: text(raw.kernel_id)
  };
}

export function isLive({ state }: Recording): boolean {
  return state === 'recording';
}

/** A dead process left it: a recovery gives it its end and a name. */
export function isCrashed({ state, reason }: Recording): boolean {
  return state === 'interrupted' && reason !== 'timeout' && reason !== 'server_stopped';
}

/** What is wrong with a recording that runs; empty: nothing. */
export function failureOf(recording: Recording): string {
  return isLive(recording) ? (recording.safe?.error ?? '') : '';
}

/** What it is shown as: its title, else its name. */
export function shownName({ title, name }: Recording): string {
  return title || name;
}

/** `0:42`, `12:07`, `1:02:03`. */
export function elapsedText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (value: number): string => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

const UNITS: readonly (readonly [string, string, string])[] = [
  ['cells', 'cell', 'cells'],
  ['messages', 'message', 'messages'],
  ['terminals', 'terminal', 'terminals'],
  ['commands', 'command', 'commands']
];

/** `3 cells, 1 terminal`; empty for nothing. */
export function contentsText(counts: Readonly<Record<string, number>>): string {
  return UNITS.flatMap(([key, one, many]) => {
    const count = counts[key] ?? 0;
    return count > 0 ? [`${count.toLocaleString('en')} ${count === 1 ? one : many}`] : [];
  }).join(', ');
}

/** What a live recording's mark says. */
export function safetyText(recording: Recording): string {
  const { safe } = recording;
  if (safe === null) {
    return 'not yet written';
  }
  if (safe.error !== '') {
    // The message may stand anywhere, and so begins with the recording's id; here its row says which it is.
    const prefix = `${recording.id}: `;
    return `NOT SAFE: ${safe.error.startsWith(prefix) ? safe.error.slice(prefix.length) : safe.error}`;
  }
  const upTo = `safe up to event ${safe.seq.toLocaleString('en')}`;
  return safe.unsafe > 0 ? `${upTo}, ${safe.unsafe.toLocaleString('en')} on the way` : upTo;
}

const STATES: Readonly<Record<string, string>> = {
  recording: 'being recorded',
  completed: 'completed',
  interrupted: 'interrupted',
  recovered: 'recovered',
  corrupt: 'damaged'
};

export function stateText(recording: Recording): string {
  return isCrashed(recording) ? 'crashed' : (STATES[recording.state] ?? recording.state);
}

function readCounts(raw: unknown): Record<string, number> {
  const entries = isObject(raw) ? Object.entries(raw) : [];
  return Object.fromEntries(entries.filter((entry): entry is [string, number] => number(entry[1]) !== null));
}

function readSafety(raw: unknown): Safety | null {
  if (!isObject(raw)) {
    return null;
  }
  return { seq: number(raw.seq) ?? 0, unsafe: number(raw.unsafe) ?? 0, error: text(raw.error) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function number(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
