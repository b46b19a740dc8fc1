/**
 * The player's folds against the frames that Python's fold is held to as well (`tests/unit/test_frames.py`).
 */

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

import { cellsFold, multiline } from './cells';
import type { Cell, CellsState, Output } from './cells';
import { chatFold } from './chat';
import type { ChatState } from './chat';
import { Cursor } from './cursor';
import { parseRecording } from './recording';
import type { Recording } from './recording';

const FOLDER = '../tests/contract-fixtures';
const fixtures = readdirSync(FOLDER).filter(file => file.endsWith('.ndjson'));
const MARKS = ['marker', 'note', 'gap'];

function frame(cells: CellsState, chat: ChatState): unknown {
  const shown = cells.items.filter((item): item is Cell => item.kind === 'cell');
  const marks = cells.items.flatMap(item => (MARKS.includes(item.kind) && item.kind !== 'cell' ? [[item.kind, item.kind === 'gap' ? '' : item.text]] : []));
  return {
    cells: shown.map(({ id, count, source, status, outputs }) => ({ id, count, source: source ?? '', status, outputs: outputs.map(plain) })),
    messages: chat.messages.map(({ key, role, by, content, deleted }) => ({ id: key, role, by, content, deleted })),
    marks
  };
}

function plain({ transient, ...output }: Output): object {
  return output.output_type === 'stream' ? { ...output, text: multiline(output.text) } : output;
}

function read(file: string): { recording: Recording; golden: unknown[] } {
  const golden = readFileSync(`${FOLDER}/${file.replace('.ndjson', '.frames.jsonl')}`, 'utf8').trim().split('\n');
  return { recording: parseRecording({ journal: readFileSync(`${FOLDER}/${file}`, 'utf8') }), golden: golden.map(line => JSON.parse(line) as unknown) };
}

for (const file of fixtures) {
  test(`after every event of ${file} the frame is Python's`, () => {
    const { recording, golden } = read(file);
    const [cells, chat] = [cellsFold.initial(), chatFold.initial()];
    assert.equal(golden.length, recording.events.length + 1);
    assert.deepEqual(frame(cells, chat), golden[0]);
    recording.events.forEach((event, index) => {
      cellsFold.step(cells, event, index);
      chatFold.step(chat, event, index);
      assert.deepEqual(frame(cells, chat), golden[index + 1], `after event ${index + 1}, ${JSON.stringify(event.event)}`);
    });
  });

  test(`going anywhere in ${file} gives that moment's frame`, () => {
    const { recording, golden } = read(file);
    const cells = new Cursor(recording.events, cellsFold);
    const chat = new Cursor(recording.events, chatFold);
    for (let step = 0; step < golden.length; step += 1) {
      const index = (step * 31) % golden.length;
      const t = index === 0 ? -1 : recording.events[index - 1]!.t;
      assert.deepEqual(frame(cells.at(t), chat.at(t)), golden[index], `at ${t} s`);
    }
  });
}
