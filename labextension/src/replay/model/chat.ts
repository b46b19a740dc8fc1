/**
 * Folds journal events to the chat as it stood. `jupyter_recorder/timeline.py` folds the same way, held by shared fixtures.
 */

import type { Fold } from './cursor';
import type { TimedEvent } from './recording';
import { text } from './text';

/** A message as it stood: it is replaced, never changed. */
export interface Message {
  /** The message's id. */
  readonly key: string;
  /** The index of the last event that changed it: two states of one version are equal. */
  readonly version: number;
  readonly role: string;
  readonly by: string;
  readonly content: string;
  /** Its last change was a piece of text: more may come. */
  readonly streaming: boolean;
  readonly deleted: boolean;
}

export interface ChatState {
  readonly messages: Message[];
  /** Each message's index, for good: states of one fold share it. */
  readonly places: Map<string, number>;
  /** The index of the message that changed last; -1 before the first. */
  newest: number;
}

export const chatFold: Fold<TimedEvent, ChatState> = {
  initial: () => ({ messages: [], places: new Map(), newest: -1 }),
  step: stepChat,
  copy: state => ({ ...state, messages: state.messages.slice() })
};

function stepChat(state: ChatState, { event }: TimedEvent, index: number): void {
  const message = messageOf(state, event.message_id);
  switch (event.type) {
    case 'session_snapshot':
      for (const one of Array.isArray(event.messages) ? (event.messages as unknown[]) : []) {
        takeSnapshot(state, one, index);
      }
      return;
    case 'message_add':
      return addMessage(state, event, index);
    case 'message_append':
      return change(state, message, index, { content: (message?.content ?? '') + text(event.content_delta), streaming: true });
    case 'message_update':
      return change(state, message, index, { content: text(event.content), streaming: event.is_complete === false });
    case 'message_delete':
      return change(state, message, index, { content: '', streaming: false, deleted: true });
  }
}

/** For each message the index of the last event that changes it: after that one, nothing is being typed any more. */
export function lastChanges(events: readonly TimedEvent[]): Map<string, number> {
  return new Map(events.map(({ event }, index) => [text(event.message_id), index]));
}

function messageOf({ messages, places }: ChatState, id: unknown): Message | undefined {
  return messages[places.get(text(id)) ?? -1];
}

/** One that is there stays as it is; one that was deleted is said again, in its place. */
function addMessage(state: ChatState, fields: Record<string, unknown>, index: number): void {
  const key = text(fields.message_id);
  const known = messageOf(state, key);
  if (known === undefined) {
    state.places.set(key, state.messages.length);
  } else if (!known.deleted) {
    return;
  }
  const role = text(fields.role) || 'user';
  const message = { key, version: index, role, by: authorOf(role, fields), content: text(fields.content), streaming: false, deleted: false };
  put(state, message);
}

/** By id: its content wins over what stood there, and what is new comes last. */
function takeSnapshot(state: ChatState, value: unknown, index: number): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return;
  }
  const fields = value as Record<string, unknown>;
  const known = messageOf(state, fields.message_id);
  if (known === undefined || known.deleted) {
    addMessage(state, fields, index);
  } else {
    change(state, known, index, { content: text(fields.content), streaming: false });
  }
}

function authorOf(role: string, fields: Record<string, unknown>): string {
  return role === 'assistant' ? text(fields.model) : role === 'user' ? text(fields.by) : '';
}

/** Of a deleted message nothing is shown: what still comes for it changes nothing. */
function change(state: ChatState, message: Message | undefined, index: number, fields: Partial<Message>): void {
  if (message !== undefined && !message.deleted) {
    put(state, { ...message, ...fields, version: index });
  }
}

function put(state: ChatState, message: Message): void {
  state.newest = state.places.get(message.key)!;
  state.messages[state.newest] = message;
}
