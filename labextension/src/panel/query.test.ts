import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Hits } from '../library/client';
import { Query } from './query';

const hit = (snippet: string): Hits => ({ hits: [{ recordingId: 'a', track: 'chat', at: 1, snippet }], total: 1 });

test('an answer to words that were changed meanwhile is dropped', async () => {
  const answers: ((hits: Hits) => void)[] = [];
  Object.assign(globalThis, { window: { setTimeout: () => 0, clearTimeout: () => undefined } });
  const query = new Query(() => new Promise(resolve => answers.push(resolve)), () => undefined);
  query.ask('first');
  const first = query.fetch();
  query.ask('second');
  const second = query.fetch();
  answers[1]!(hit('for the second'));
  await second;
  answers[0]!(hit('for the first'));
  await first;
  assert.deepEqual(query.hits.map(({ snippet }) => snippet), ['for the second']);
  assert.equal(query.busy, false);
});

test('a search that fails says why, and shows nothing of before', async () => {
  const query = new Query(() => Promise.reject(new Error('no server')), () => undefined);
  query.ask('words');
  await query.fetch();
  assert.deepEqual([query.problem, query.hits.length, query.busy], ['no server', 0, false]);
});
