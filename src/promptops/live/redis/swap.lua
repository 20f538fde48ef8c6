#!lua flags=allow-oom
-- The swap of one environment: all checks first, all writes last, because nothing undoes a script.
--
-- KEYS[1] head      hash    epoch, revision, operation, link of the last entry, freeze (JSON, while
--                           there is one)
-- KEYS[2] pointers  hash    unit -> JSON
-- KEYS[3] history   stream  <revision>-0: entry (JSON), units (names, with spaces between)
-- KEYS[4…] releases string  must be there
-- ARGV    1 expected epoch, 2 expected revision (both '' when the environment is to be created),
--         3 epoch, 4 revision to write, 5 operation, 6 entry, 7 units, 8 channel,
--         9 freeze to set, or 'lift', or '' to leave it, 10 link of the entry,
--         11… unit, pointer, unit, pointer, …
-- Answers {'won'|'same'|'lost', epoch, revision} or {'missing'|'wrongtype'|'broken'|'denied',
-- key, what}.
-- Revisions stay strings: Lua would write large numbers as 1e+15.
local function counts(text)
  return text and #text < 19 and string.find(text, '^[1-9]%d*$')
end
local kinds, there = {'hash', 'hash', 'stream'}, {}
for i = 1, #KEYS do
  local kind = redis.call('TYPE', KEYS[i]).ok
  there[i] = kind ~= 'none'
  if there[i] and kind ~= (kinds[i] or 'string') then
    return {'wrongtype', KEYS[i], kind}
  end
end
local head = redis.call('HMGET', KEYS[1], 'epoch', 'revision', 'operation')
if there[1] and not (counts(head[1]) and counts(head[2])) then
  return {'wrongtype', KEYS[1], 'hash without epoch and revision as numbers'}
end
local epoch, revision = head[1] or '', head[2] or ''
if head[3] and head[3] == ARGV[5] then
  return {'same', epoch, revision}
end
if epoch ~= ARGV[1] or revision ~= ARGV[2] then
  return {'lost', epoch, revision}
end
local last = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1]
if (last and last[1] or '') ~= (ARGV[2] == '' and '' or ARGV[2] .. '-0') then
  return {'broken', KEYS[3], last and last[1] or 'nothing'}
end
if there[2] and not there[1] then
  return {'broken', KEYS[2], ''}
end
for i = 4, #KEYS do
  if not there[i] then
    return {'missing', KEYS[i], ''}
  end
end
-- A permission that is missing half-way would leave the first half written; a new user of Redis 7
-- may publish to no channel at all.
local writes = {
  {'HSET', KEYS[1], '', ''}, {'HINCRBY', KEYS[1], '', 1}, {'HSET', KEYS[2], '', ''},
  {'XADD', KEYS[3], '*', '', ''}, {'PUBLISH', ARGV[8], ''}, {'HGET', KEYS[1], ''},
}
for _, write in ipairs(writes) do
  if not redis.acl_check_cmd(unpack(write)) then
    return {'denied', write[2], write[1]}
  end
end

redis.call('HSET', KEYS[1], 'epoch', ARGV[3], 'operation', ARGV[5], 'link', ARGV[10])
redis.call('HINCRBY', KEYS[1], 'revision', 1)
if ARGV[9] ~= '' then
  -- Emptied, not deleted: a publisher may delete nothing.
  redis.call('HSET', KEYS[1], 'freeze', ARGV[9] == 'lift' and '' or ARGV[9])
end
for i = 11, #ARGV, 2 do
  redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
end
redis.call('XADD', KEYS[3], ARGV[4] .. '-0', 'entry', ARGV[6], 'units', ARGV[7])
redis.call('PUBLISH', ARGV[8], ARGV[4])
return {'won', ARGV[3], redis.call('HGET', KEYS[1], 'revision')}
