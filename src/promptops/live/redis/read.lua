#!lua flags=no-writes
-- Head and pointers of one moment. Flagged no-writes, because a full Redis refuses even a reading
-- MULTI and a rollback must work then.
--
-- KEYS[1] head, KEYS[2] pointers, KEYS[3] history (as in swap.lua)
-- ARGV    1 epoch, 2 revision that the reader has ('' for none), 3 the revision after it, 4 entries
--         read at most before everything is sent, 5 bytes at most in a name and in a pointer
-- Answers {epoch, revision, 'whole'|'changed', {unit, pointer, …}, freeze}, or
-- {'wrongtype'|'broken'|'oversize', key, what}.
local function oversize(unit)
  local limit = tonumber(ARGV[5])
  local size = #unit > limit and #unit or redis.call('HSTRLEN', KEYS[2], unit)
  return size > limit and {'oversize', KEYS[2], tostring(size)}
end
local function counts(text)
  return text and #text < 19 and string.find(text, '^[1-9]%d*$')
end
local kinds, there = {'hash', 'hash', 'stream'}, {}
for i = 1, 3 do
  local kind = redis.call('TYPE', KEYS[i]).ok
  there[i] = kind ~= 'none'
  if there[i] and kind ~= kinds[i] then
    return {'wrongtype', KEYS[i], kind}
  end
end
if not there[1] then
  local last = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1]
  if last or there[2] then
    return {'broken', last and KEYS[3] or KEYS[2], last and last[1] or ''}
  end
  return {'', '', 'whole', {}, ''}
end
local head = redis.call('HMGET', KEYS[1], 'epoch', 'revision', 'freeze')
if not (counts(head[1]) and counts(head[2])) then
  return {'wrongtype', KEYS[1], 'hash without epoch and revision as numbers'}
end
local epoch, revision, freeze = head[1], head[2], head[3] or ''
if epoch == ARGV[1] then
  if revision == ARGV[2] then
    return {epoch, revision, 'changed', {}, freeze}
  end
  local next_ = ARGV[3] .. '-0'
  local entries = redis.call('XRANGE', KEYS[3], next_, '+', 'COUNT', ARGV[4])
  if #entries > 0 and entries[1][1] == next_
      and entries[#entries][1] == revision .. '-0' then
    local seen, pairs_, complete = {}, {}, true
    for _, entry in ipairs(entries) do
      for i = 1, #entry[2], 2 do
        if entry[2][i] == 'units' then
          for unit in string.gmatch(entry[2][i + 1], '%S+') do
            local bomb = not seen[unit] and oversize(unit)
            if bomb then
              return bomb
            end
            local pointer = seen[unit] or redis.call('HGET', KEYS[2], unit)
            complete = complete and pointer
            if pointer and not seen[unit] then
              seen[unit] = pointer
              pairs_[#pairs_ + 1] = unit
              pairs_[#pairs_ + 1] = pointer
            end
          end
        end
      end
    end
    if complete then
      return {epoch, revision, 'changed', pairs_, freeze}
    end
  end
end
for _, unit in ipairs(redis.call('HKEYS', KEYS[2])) do
  local bomb = oversize(unit)
  if bomb then
    return bomb
  end
end
return {epoch, revision, 'whole', redis.call('HGETALL', KEYS[2]), freeze}
