-- A page of an owner's files, newest first, records included.
-- ARGV: owner, upper bound ('+' or '(entry'), most. Returns pairs of entry and record.
local page = {}
for _, entry in ipairs(redis.call('ZREVRANGEBYLEX', files_of(ARGV[1]), ARGV[2], '-', 'LIMIT', 0, tonumber(ARGV[3]))) do
  page[#page + 1] = { entry, redis.call('HGETALL', key_of(string.match(entry, ':(.+)$'))) }
end
return page
