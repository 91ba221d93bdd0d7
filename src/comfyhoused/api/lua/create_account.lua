-- Make an account, unless one has this id already.
-- ARGV: names and values of its fields, by turns
local account = {}
for i = 1, #ARGV, 2 do account[ARGV[i]] = ARGV[i + 1] end
return create_account(account) and 1 or 0
