/**
 * Shows the chat as it stood at a moment, typing at its recorded pace.
 */

import { emptyChat, stepChat } from '../model/chat';
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
  private readonly list = new KeyedList<Message>(this.element, renderMessage);
  private shown = -1;
  private readonly follower = new Follower(this.element);

  constructor(recording: Recording) {
    this.cursor = new Cursor(recording.events, emptyChat, stepChat);
  }

  show(t: number): void {
    const { messages } = this.cursor.at(t);
    if (this.cursor.position !== this.shown) {
      this.shown = this.cursor.position;
      this.follower.reveal(this.list.update(messages));
    }
  }

  status(t: number): string {
    return this.cursor.at(t).messages.some(message => message.streaming) ? 'typing' : '';
  }
}

function renderMessage(message: Message): HTMLElement {
  const role = ROLES.includes(message.role) ? message.role : 'other';
  const name = message.by === '' ? message.role : `${message.role} · ${message.by}`;
  const body = message.deleted
    ? h('p', { class: 'notice' }, 'This message was deleted.')
    : h('div', { class: 'rich' }, renderMarkdown(message.content));
  const streaming = message.streaming ? ' streaming' : '';
  return h('article', { class: `message ${role}${streaming}` }, h('div', { class: 'who' }, name), body);
}
