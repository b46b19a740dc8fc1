/**
 * Folds journal events to the chat as it stood.
 */

import type { TimedEvent } from './recording';
import { text } from './text';

export interface Message {
  /** The message's id. */
  readonly key: string;
  /** The index of the last event that changed it: two states of one version are equal. */
  version: number;
  role: string;
  by: string;
  content: string;
  /** Its last change was a piece of text: more may come. */
  streaming: boolean;
  deleted: boolean;
}

export interface ChatState {
  readonly messages: Message[];
  readonly byId: Map<string, Message>;
}

export const emptyChat = (): ChatState => ({ messages: [], byId: new Map() });

export function stepChat(state: ChatState, { event }: TimedEvent, index: number): void {
  const message = state.byId.get(String(event.message_id ?? ''));
  switch (event.type) {
    case 'session_snapshot':
      for (const one of Array.isArray(event.messages) ? (event.messages as unknown[]) : []) {
        addMessage(state, one, index);
      }
      return;
    case 'message_add':
      return addMessage(state, event, index);
    case 'message_append':
      return change(message, index, { content: (message?.content ?? '') + text(event.content_delta), streaming: true });
    case 'message_update':
      return change(message, index, { content: text(event.content), streaming: event.is_complete === false });
    case 'message_delete':
      return change(message, index, { content: '', streaming: false, deleted: true });
  }
}

/** For each message the index of the last event that changes it: after that one, nothing is being typed any more. */
export function lastChanges(events: readonly TimedEvent[]): Map<string, number> {
  return new Map(events.map(({ event }, index) => [String(event.message_id ?? ''), index]));
}

/** By id: a snapshot's content wins over what stood there, and what is new comes last. */
function addMessage(state: ChatState, value: unknown, index: number): void {
  if (typeof value !== 'object' || value === null) {
    return;
  }
  const fields = value as Record<string, unknown>;
  const id = text(fields.message_id);
  let message = state.byId.get(id);
  if (message === undefined) {
    message = { key: id, version: index, role: 'user', by: '', content: '', streaming: false, deleted: false };
    state.byId.set(id, message);
    state.messages.push(message);
  }
  const role = text(fields.role) || message.role;
  change(message, index, { role, by: authorOf(fields), content: text(fields.content), streaming: false });
}

function authorOf(fields: Record<string, unknown>): string {
  const role = text(fields.role);
  return role === 'assistant' ? text(fields.model) : role === 'user' ? text(fields.by) : '';
}

function change(message: Message | undefined, index: number, fields: Partial<Message>): void {
  if (message !== undefined) {
    Object.assign(message, fields, { version: index });
  }
}
