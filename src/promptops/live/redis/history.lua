#!lua flags=no-writes
-- Entries of the history, newest first, none of which is a memory bomb for the reader.
--
-- KEYS[1] history  stream (as in swap.lua)
-- ARGV    1 the newest id wanted, 2 how many, 3 bytes at most in one
-- Answers {'ok', entry, …}, or {'oversize'|'strange', id, bytes}.
local found = redis.call('XREVRANGE', KEYS[1], ARGV[1], '-', 'COUNT', ARGV[2])
local answer = {'ok'}
for _, each in ipairs(found) do
  local entry
  for i = 1, #each[2], 2 do
    entry = each[2][i] == 'entry' and each[2][i + 1] or entry
  end
  if not entry then
    return {'strange', each[1], ''}
  end
  if #entry > tonumber(ARGV[3]) then
    return {'oversize', each[1], tostring(#entry)}
  end
  answer[#answer + 1] = entry
end
return answer
