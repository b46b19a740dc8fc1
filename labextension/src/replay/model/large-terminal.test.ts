import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseCast } from './cast';
import { CastFile } from './cast-file';
import { countUntil } from './cursor';
import { searchLarge } from './large-search';
import { LargeTerminal } from './large-terminal';
import { pack } from './packing';
import { parseRecording } from './recording';
import { SearchIndex, patternOf } from './search';
import type { Hit } from './search';
import type { Way } from './terminals';

const OFFSET = 2;

/** Events that come in bursts, so that time says little about place. */
function castOf(version = 2): string {
  const term = version === 2 ? { version, width: 80, height: 24 } : { version, term: { cols: 80, rows: 24 } };
  let t = 0;
  const events = Array.from({ length: 9000 }, (_, at) => {
    const step = at % 1500 === 0 ? 400 : at % 7 === 0 ? 0 : 0.001;
    t += step;
    const code = at % 1000 === 500 ? 'm' : at % 1000 === 700 ? 'i' : 'o';
    return [version === 2 ? Number(t.toFixed(6)) : step, code, `${at} ${'x'.repeat(70)} `];
  });
  return [term, ...events].map(line => `${JSON.stringify(line)}\n`).join('');
}

async function open(text: string, offset = OFFSET, saved?: ArrayBuffer): Promise<LargeTerminal> {
  const bytes = new TextEncoder().encode(text);
  const cast = new CastFile((start, end) => Promise.resolve(bytes.slice(start, end).buffer), bytes.length);
  return LargeTerminal.open('terminal.cast', cast, undefined, offset, saved);
}

/** Goes through so many blocks, leaving the text so far as a keyframe before each. */
async function prepare(terminal: LargeTerminal, blocks: number): Promise<void> {
  let written = '';
  for (let block = terminal.prepared; block < blocks; block += 1) {
    const [text = ''] = await terminal.cast.texts(block, 1);
    const { events, damaged } = terminal.cast.parse(block, text, terminal.before);
    const state = new TextEncoder().encode(written).buffer as ArrayBuffer;
    terminal.keyframes.add({ block, index: 0, history: true, packed: await pack(state) });
    terminal.note(events, damaged);
    written += events.map(({ data }) => data).join('');
  }
}

function walk(way: Way, before: string): string {
  const begun = way.begin === null ? before : way.begin.state === null ? '' : new TextDecoder().decode(way.begin.state);
  return begun + way.events.map(({ data }) => data).join('');
}

const MOMENTS = [0, 399.99, 400, 400.2, 401.5, 800.9, 1201, 1601.1, 2001.3, 2400, 2401.2, 9999];

test('once prepared, a way to any moment is all that was printed until then', async () => {
  const text = castOf();
  const { events } = parseCast(text);
  const terminal = await open(text);
  await prepare(terminal, terminal.cast.blocks);
  let shown = '';
  let spot = null;
  for (const t of [...MOMENTS, ...MOMENTS.toReversed(), 800.9, 800.95, 801]) {
    const way: Way = await terminal.way(spot, t + OFFSET);
    shown = walk(way, shown);
    spot = way.to;
    const expected = events.slice(0, countUntil(events, t)).map(({ data }) => data).join('');
    assert.ok(shown === expected && way.to.exact, `at ${t}`);
  }
});

test('an event is shown at its own moment, wherever in the recording the terminal began', async () => {
  const text = castOf();
  const { events } = parseCast(text);
  const marked = events.filter(({ code }) => code === 'm');
  for (const offset of [0.1, 0.103, 0.7, 1.587, 86_400.011]) {
    const terminal = await open(text, offset);
    const newest = walk(await terminal.way(null, terminal.ends), '');
    assert.ok(newest.endsWith(events.at(-1)!.data), `the newest, begun at ${offset}`);
    await prepare(terminal, terminal.cast.blocks);
    for (const one of [terminal, await open(text, offset, await terminal.save())]) {
      assert.ok(one.isPrepared);
      for (const [at, { t }] of one.markers.entries()) {
        const last = events[countUntil(events, marked[at]!.t) - 1]!;
        assert.ok(walk(await one.way(null, t), '').endsWith(last.data), `at ${t}, begun at ${offset}`);
      }
    }
  }
});

test('before it is prepared, the same moment is shown from what was printed shortly before', async () => {
  const text = castOf();
  const { events } = parseCast(text);
  const terminal = await open(text);
  for (const t of MOMENTS) {
    const count = countUntil(events, t);
    const way = await terminal.way(null, t + OFFSET);
    const shown = walk(way, '');
    const expected = events.slice(0, count).map(({ data }) => data).join('');
    assert.ok(expected.endsWith(shown), `at ${t}`);
    assert.ok(shown.length >= Math.min(expected.length, 64 * 1024), `at ${t}: ${shown.length}`);
    assert.equal(way.to.exact, shown.length === expected.length, `at ${t}`);
  }
});

test('how long it is shows at once, and markers and keys as they are gone through', async () => {
  const text = castOf();
  const { events } = parseCast(text);
  const terminal = await open(text);
  assert.equal(terminal.ends, events.at(-1)!.t + OFFSET);
  assert.ok(terminal.known < terminal.ends);
  await prepare(terminal, terminal.cast.blocks);
  assert.deepEqual(
    [terminal.markers.length, terminal.typed.length, terminal.markers[0]!.t, terminal.known],
    [9, 9, events[500]!.t + OFFSET, Infinity]
  );
});

test('version 3 tells its time only as far as it was gone through', async () => {
  const text = castOf(3);
  const { events } = parseCast(text);
  const terminal = await open(text);
  await prepare(terminal, terminal.cast.blocks);
  assert.ok(Math.abs(terminal.ends - OFFSET - events.at(-1)!.t) < 1e-6);
  const way = await terminal.way(null, OFFSET + 1201);
  assert.equal(walk(way, '').length, events.slice(0, countUntil(events, 1201)).map(({ data }) => data).join('').length);
});

test('a search finds in it what it finds in one that is held, also across the edges of what is read', async () => {
  const text = castOf();
  const pattern = patternOf('x 75')!;
  const found: Hit[] = [];
  for await (const { hits } of searchLarge(await open(text), pattern)) {
    found.push(...hits);
  }
  const held = new SearchIndex(parseRecording({ casts: { 'terminal.cast': text } })).search(patternOf('x 75')!);
  const plain = (hits: readonly Hit[], offset: number): unknown => hits.map(({ t, match }) => [Number((t - offset).toFixed(6)), match]);
  assert.ok(held.length > 0);
  assert.deepEqual(plain(found, OFFSET), plain(held, 0));
});
