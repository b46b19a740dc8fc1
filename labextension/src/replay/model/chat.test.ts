import assert from 'node:assert/strict';
import { test } from 'node:test';

import { chatFold, lastChanges } from './chat';
import type { ChatState } from './chat';

type Fields = { type: string; [field: string]: unknown };

function fold(...events: Fields[]): ChatState {
  const state = chatFold.initial();
  events.forEach((fields, index) => chatFold.step(state, { t: index, event: { at: index, ...fields }, text: '' }, index));
  return state;
}

const add = (message_id: string, content: string, more = {}): Fields => ({ type: 'message_add', message_id, role: 'user', content, ...more });
const append = (message_id: string, content_delta: string): Fields => ({ type: 'message_append', message_id, content_delta });
const contents = (state: ChatState): string[] => state.messages.map(message => message.content);

test('appends extend their message, in order', () => {
  const state = fold(add('a', 'one'), add('b', ''), append('b', 'two'), append('b', ' three'));
  assert.deepEqual(contents(state), ['one', 'two three']);
  assert.equal(state.messages[1]?.streaming, true);
});

test('after its last piece a message is typed no more', () => {
  const events = [add('a', ''), append('a', 'x'), { type: 'marker', label: 'm' }, append('a', 'y')];
  const timed = events.map((fields, index) => ({ t: index, event: { at: index, ...fields }, text: '' }));
  assert.equal(lastChanges(timed).get('a'), 3);
});

test('an update replaces the text and ends the typing', () => {
  const state = fold(add('a', ''), append('a', 'x'), { type: 'message_update', message_id: 'a', content: 'whole', is_complete: true });
  assert.deepEqual([contents(state), state.messages[0]?.streaming], [['whole'], false]);
});

test('a deleted message keeps its place without its text', () => {
  const state = fold(add('a', 'secret'), add('b', 'after'), { type: 'message_delete', message_id: 'a' });
  assert.deepEqual(contents(state), ['', 'after']);
  assert.equal(state.messages[0]?.deleted, true);
});

test('a snapshot wins over what stood there and adds what is new', () => {
  const messages = [{ message_id: 'a', role: 'user', content: 'newer' }, { message_id: 'c', role: 'assistant', content: 'added' }, null];
  const state = fold(add('a', 'old'), add('b', 'kept'), { type: 'session_snapshot', messages });
  assert.deepEqual(contents(state), ['newer', 'kept', 'added']);
});

test('an event for an unknown message changes nothing', () => {
  assert.deepEqual(contents(fold(append('nobody', 'x'), { type: 'message_delete', message_id: 'nobody' })), []);
});

test('an answer is named after its model, a question after its user', () => {
  const state = fold(add('a', '', { by: 'ana' }), add('b', '', { role: 'assistant', model: 'small-1', by: 'ana' }));
  assert.deepEqual(state.messages.map(message => message.by), ['ana', 'small-1']);
});

test('a message that is there is not added again, unless it was deleted', () => {
  const state = fold(add('a', 'first'), add('a', 'second'), add('b', 'x'), { type: 'message_delete', message_id: 'a' }, add('a', 'again'));
  assert.deepEqual(contents(state), ['again', 'x']);
  assert.equal(state.messages[0]?.deleted, false);
});

test('a copy stays as it was', () => {
  const state = fold(add('a', 'x'));
  const copy = chatFold.copy(state);
  chatFold.step(state, { t: 1, event: { at: 1, ...append('a', 'y') }, text: '' }, 1);
  chatFold.step(state, { t: 1, event: { at: 1, ...add('b', 'z') }, text: '' }, 2);
  assert.deepEqual([contents(copy), contents(state)], [['x'], ['xy', 'z']]);
  chatFold.step(copy, { t: 1, event: { at: 1, ...append('b', '!') }, text: '' }, 2);
  assert.deepEqual(contents(copy), ['x']);
});
