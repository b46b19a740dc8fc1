/**
 * Shows the chat as it stood at a moment, typing at its recorded pace.
 */

import { emptyChat, lastChanges, stepChat } from '../model/chat';
import type { ChatState, Message } from '../model/chat';
import { Cursor } from '../model/cursor';
import type { Recording, TimedEvent } from '../model/recording';
import { h } from './dom';
import { Follower } from './follow';
import { KeyedList } from './keyed';
import { renderMarkdown } from './sanitize';
import type { View } from './view';

const ROLES = ['user', 'assistant', 'system', 'tool'];

export class ChatView implements View {
  readonly element = h('div', { class: 'chat scroller', tabindex: '0', role: 'log', 'aria-label': 'Chat messages' });
  private readonly cursor: Cursor<TimedEvent, ChatState>;
  private readonly list = new KeyedList<Message>(this.element, message => renderMessage(message, this.isTyped(message)));
  private readonly ends: Map<string, number>;
  private shown = -1;
  private readonly follower = new Follower(this.element);

  constructor(recording: Recording) {
    this.cursor = new Cursor(recording.events, emptyChat, stepChat);
    this.ends = lastChanges(recording.events);
  }

  show(t: number): void {
    const { messages } = this.cursor.at(t);
    if (this.cursor.position !== this.shown) {
      this.shown = this.cursor.position;
      this.follower.reveal(this.list.update(messages));
    }
  }

  status(t: number): string {
    return this.cursor.at(t).messages.some(message => this.isTyped(message)) ? 'typing' : '';
  }

  private isTyped(message: Message): boolean {
    return message.streaming && message.version < (this.ends.get(message.key) ?? 0);
  }
}

function renderMessage(message: Message, typed: boolean): HTMLElement {
  const role = ROLES.includes(message.role) ? message.role : 'other';
  const name = message.by === '' ? message.role : `${message.role} · ${message.by}`;
  const body = message.deleted
    ? h('p', { class: 'notice' }, 'This message was deleted.')
    : h('div', { class: 'rich' }, renderMarkdown(message.content));
  const streaming = typed ? ' streaming' : '';
  return h('article', { class: `message ${role}${streaming}` }, h('div', { class: 'who' }, name), body);
}
