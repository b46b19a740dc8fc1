-- The tables of llm 0.36 that are read, with a thread of today and a conversation of before.
create table threads (id text primary key, name text, tip_message_hash text, forked_from text, datetime_utc text);
create table turns (id text primary key, thread_id text, parent_message_hash text, tip_message_hash text, model text,
  resolved_model text, options_json text, schema_id text, input_tokens integer, output_tokens integer,
  token_details text, duration_ms integer, datetime_utc text, response_json text);
create table messages (hash text primary key, parent_hash text, role text, provider_metadata text);
create table parts (id integer primary key, message_hash text, position integer, type text, tool_name text, text text,
  payload text);
create table fragments (id integer primary key, hash text, content text, datetime_utc text, source text);
create table part_fragments (part_id integer, fragment_id integer, "order" integer);
create table conversations (id text primary key, name text, model text);
create table responses (id text primary key, model text, prompt text, system text, prompt_json text, options_json text,
  response text, response_json text, conversation_id text, duration_ms integer, datetime_utc text, reasoning text);
create table tool_calls (id integer primary key, response_id text, tool_id integer, name text, arguments text,
  tool_call_id text);
create table tool_results (id integer primary key, response_id text, tool_id integer, name text, output text,
  tool_call_id text);
insert into threads values ('t1', 'first', 'b2:5', null, '2026-05-01 10:00:00.000000+00:00');
insert into turns values
  ('u1', 't1', 'b2:2', 'b2:3', 'fake', null, null, null, 3, 4, null, 10, '2026-05-01T10:00:01.000000+00:00', null),
  ('u2', 't1', 'b2:4', 'b2:5', 'fake', null, null, null, 3, 4, null, 10, '2026-05-01T10:00:09.000000+00:00', '{"id":"x"}');
insert into messages values ('b2:1', null, 'system', null), ('b2:2', 'b2:1', 'user', null),
  ('b2:3', 'b2:2', 'assistant', null), ('b2:4', 'b2:3', 'tool', null), ('b2:5', 'b2:4', 'assistant', null);
insert into parts values (1, 'b2:1', 0, 'text', null, 'Be brief', null), (2, 'b2:2', 0, 'text', null, null, '{}'),
  (3, 'b2:3', 0, 'reasoning', null, 'A tool knows.', null),
  (4, 'b2:3', 1, 'tool_call', 'today', null, '{"arguments": {"zone": "UTC"}, "tool_call_id": "c1"}'),
  (5, 'b2:4', 0, 'tool_result', 'today', null, '{"output": "1 May", "tool_call_id": "c1"}'),
  (6, 'b2:5', 0, 'text', null, 'It is the first of May.', null);
insert into fragments values (1, 'h', 'What day is it?', null, null);
insert into part_fragments values (2, 1, 0);
insert into conversations values ('c1', 'Old talk', 'gpt-4');
insert into responses values
  ('r1', 'gpt-4', 'hello', 'Be kind', null, '{"temperature": 1}', 'Hi!', '{"id":"y"}', 'c1', 5,
   '2024-05-01T10:00:00.000000', null),
  ('r2', 'gpt-4', 'more', null, null, null, 'More.', null, 'c1', 5, '2024-05-01T10:01:00.000000', 'Hm.');
insert into tool_calls values (1, 'r2', 1, 'look', '{"at": "it"}', 'k1');
insert into tool_results values (1, 'r2', 1, 'look', 'seen', 'k1');
