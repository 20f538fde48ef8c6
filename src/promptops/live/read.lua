#!lua flags=no-writes
-- Head and pointers of one moment. Flagged no-writes, because a full Redis refuses even a reading
-- MULTI and a rollback must work then.
--
-- KEYS[1] head, KEYS[2] pointers, KEYS[3] history (as in swap.lua)
-- ARGV    1 epoch, 2 revision that the reader has ('' for none), 3 entries read at most before
--         everything is sent
-- Answers {epoch, revision, 'whole'|'changed', {unit, pointer, …}}, or {'wrongtype', key, kind}.
local kinds = {'hash', 'hash', 'stream'}
for i = 1, 3 do
  local kind = redis.call('TYPE', KEYS[i]).ok
  if kind ~= 'none' and kind ~= kinds[i] then
    return {'wrongtype', KEYS[i], kind}
  end
end
local head = redis.call('HMGET', KEYS[1], 'epoch', 'revision')
local epoch, revision = head[1] or '', head[2] or ''
if epoch == ARGV[1] and epoch ~= '' then
  if revision == ARGV[2] then
    return {epoch, revision, 'changed', {}}
  end
  local limit = tonumber(ARGV[3])
  local entries = redis.call('XRANGE', KEYS[3], '(' .. ARGV[2] .. '-0', '+', 'COUNT', limit)
  if #entries > 0 and #entries < limit and entries[#entries][1] == revision .. '-0' then
    local seen, pairs_ = {}, {}
    for _, entry in ipairs(entries) do
      for i = 1, #entry[2], 2 do
        if entry[2][i] == 'units' then
          for unit in string.gmatch(entry[2][i + 1], '%S+') do
            local pointer = not seen[unit] and redis.call('HGET', KEYS[2], unit)
            if pointer then
              seen[unit] = true
              pairs_[#pairs_ + 1] = unit
              pairs_[#pairs_ + 1] = pointer
            end
          end
        end
      end
    end
    return {epoch, revision, 'changed', pairs_}
  end
end
return {epoch, revision, 'whole', redis.call('HGETALL', KEYS[2])}
