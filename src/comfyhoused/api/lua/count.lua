-- Count one use against several limits, of all or of none. Answers the number of the one reached, or 0.
-- ARGV: for each limit: key, most, ms it lasts
for i = 1, #ARGV, 3 do
  if (tonumber(redis.call('GET', P .. ARGV[i])) or 0) >= tonumber(ARGV[i + 1]) then return (i + 2) / 3 end
end
for i = 1, #ARGV, 3 do
  if redis.call('INCR', P .. ARGV[i]) == 1 then redis.call('PEXPIRE', P .. ARGV[i], ARGV[i + 2]) end
end
return 0
