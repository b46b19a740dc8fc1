/**
 * Shows the chat as it stood at a moment, typing at its recorded pace.
 */

import { chatFold, lastChanges } from '../model/chat';
import type { ChatState, Message } from '../model/chat';
import { Cursor } from '../model/cursor';
import type { Recording, TimedEvent } from '../model/recording';
import { h } from './dom';
import { Follower } from './follow';
import { renderMarkdown } from './sanitize';
import { reachable } from './scrollable';
import type { View } from './view';
import { WindowList } from './window-list';

const ROLES = ['user', 'assistant', 'system', 'tool'];

// As in the style sheet.
const GAP_PX = 12;

export class ChatView implements View {
  readonly element = h('div', { class: 'chat scroller', tabindex: '0', role: 'log', 'aria-label': 'Chat messages' });
  private readonly cursor: Cursor<TimedEvent, ChatState>;
  private readonly list = new WindowList<Message>(this.element, GAP_PX, message => renderMessage(message, this.isTyped(message)));
  private readonly ends = new Map<string, number>();
  private readonly follower = new Follower(this.element, () => this.list.reach());
  private shown = -1;
  private seen = 0;

  constructor(private readonly recording: Recording) {
    this.cursor = new Cursor(recording.events, chatFold);
  }

  show(t: number): void {
    this.grow();
    const { messages, newest } = this.cursor.at(t);
    if (this.cursor.position !== this.shown) {
      this.shown = this.cursor.position;
      const goal = this.follower.follows && newest >= 0 ? newest : null;
      this.list.update(messages, goal);
      this.follower.reveal();
    }
  }

  status(t: number): string {
    const { messages, newest } = this.cursor.at(t);
    const message = messages[newest];
    return message !== undefined && this.isTyped(message) ? 'typing' : '';
  }

  private grow(): void {
    const { events } = this.recording;
    if (this.seen < events.length) {
      for (const [id, index] of lastChanges(events.slice(this.seen))) {
        this.ends.set(id, index + this.seen);
      }
      this.seen = events.length;
    }
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
  return reachable(h('article', { class: `message ${role}${streaming}` }, h('div', { class: 'who' }, name), body));
}
