-- Which of these commands the user who asks may not call; calls none of them.
--
-- KEYS[1] head, so that a cluster knows where to ask
-- ARGV[1] the commands, as JSON: [["HSET", key, field, value], …]
-- Answers the numbers of those that are denied, beginning with 1.
local denied = {}
for number, command in ipairs(cjson.decode(ARGV[1])) do
  if not redis.acl_check_cmd(unpack(command)) then
    table.insert(denied, number)
  end
end
return denied
