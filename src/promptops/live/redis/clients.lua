#!lua flags=no-writes
-- Who is present. Every client writes its own record, so a large one is left out: one of them must
-- not be a memory bomb for an operator.
--
-- KEYS[1] clients  set of ids
-- ARGV    1 prefix of the keys of the records, 2 bytes at most in an id and in a record
-- Answers {id, record, milliseconds left, id, …}; a record that expired or is none is false.
local answer, limit = {}, tonumber(ARGV[2])
for _, id in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  if #id <= limit then
    local key = ARGV[1] .. id
    local there = redis.call('TYPE', key).ok == 'string'
    local large = there and redis.call('STRLEN', key) > limit
    answer[#answer + 1] = id
    answer[#answer + 1] = large and '' or (there and redis.call('GET', key))
    answer[#answer + 1] = there and redis.call('PTTL', key) or 0
  end
end
return answer
