import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { sqlInjection } from '../../../src/inspection/sql/sql-injection.ts'
import { tokensOf } from '../../../src/inspection/sql/sql-tokens.ts'

const ATTACKS: Readonly<Record<string, readonly string[]>> = {
  'another SELECT is appended': [
    '7 union select name, pin from members',
    '7 UNION/**/ALL/**/SELECT/**/null,null',
    "nobody' union select 1, 2, 3 -- ",
    'nobody") union distinct select `pin` from members#',
    '0e0union select 1',
    '(7)union(select(pin)from(members))',
    "zz' union all select version()",
  ],
  'a condition is always true or false': [
    '12 or 3=3',
    '12 and 3=4',
    "zz' or 'k'='k",
    "zz') or ('k'='k",
    'zz" or "k"="k',
    "zz' || '1'='1' -- x",
    "zz' or true --",
    '12 or name=name',
    "zz' or 3 like 3#",
    "zz'or(7)=(7)-- ",
    "' or not 1=2 --",
    "12' and 5 between 1 and 9 --",
    "x' or city is not null --",
    "x' and city like 'B%",
  ],
  'parsers of databases read another query': [
    "carol';",
    'carol";',
    "carol'/* x */;",
    "carol');-- x",
    "0-2'-1-'",
    "zz', pin='0",
    'substring((select\r\npin\r\nfrom members limit 1,1),1)',
    '(select substr\r\n(pin,1)from members)',
    '7; delete quick from members',
    '7;load xml infile "x"',
    'case 7 when 8 then 8 end = 7',
    'concat(0x7e,database())',
    'length(hex(user()))',
    "'a'<>'b'",
    '31 rlike 31',
    '7 or true',
    '7 || city is null',
    '@@hostname',
    '3*if(2=2,1,0)',
    'drop/*x*/members',
    'from information_schema.',
    "carol' notnull--",
    "' or ''^'",
    'ordsys.ord_dicom.getmappingxpath(7,8,9)',
  ],
  'the rest of the query is cut off': ["root'--", "root' #", "root')/*", "';--", "root') --"],
  'a second statement follows': [
    "zz'; drop table members",
    '5; delete from members where 1',
    "5; exec xp_dirtree '//x'",
    "zz'; update members set pin = 0 --",
    "zz'; insert into members values (1)",
    '5;shutdown --',
    "zz';declare @a int",
    "5); waitfor delay '0:0:9' --",
    '5; select pg_sleep(9)',
    "zz'; truncate table members; --",
    "zz' ; grant all on members to public",
  ],
  'a function waits, reads a file or calls out': [
    '5 and sleep(9)',
    "zz' and sleep(9) and 'a'='a",
    'sleep(9)',
    "zz'||pg_sleep(9)||'",
    "zz' and benchmark(9000000, md5(1)) #",
    '5 and extractvalue(1, concat(0x5c, user()))',
    '7 union select load_file(0x2f78)',
    "zz'||utl_http.request('http://x')||'",
    "x' into outfile '/tmp/x",
    "zz' waitfor delay '0:0:9'--",
    "exec xp_cmdshell 'dir'",
  ],
  'an order, a group or a procedure probes': [
    '5 order by 9--',
    "zz' order by 9#",
    "zz' group by city having 1=1 --",
    '5 having 1=1',
    "zz' limit 1 --",
    '5 procedure analyse(extractvalue(1, 1))',
  ],
  'a subquery or a CASE answers': [
    '5 and (select count(*) from members) > 3',
    "zz' and (select 1 from members limit 1)=1 -- ",
    '5 and ascii(substring((select pin from members), 1, 1)) > 64',
    '(case when (1=1) then 5 else 1/0 end)',
    "zz' and exists(select 1 from members) --",
    '(select(0)from(select(sleep(9)))v)',
    '5-(case when 3=3 then 1 else 2 end)',
  ],
  'a string is joined or compared': [
    "zz'||'zz",
    "zz'+(select 'a')+'",
    "zz' = '",
    "'='",
    "zz' <> 'yy",
    "zz'-0-'1",
    "zz' * 1 * '1",
    "zz' is not null --",
    "zz', (select pin)) -- ",
  ],
  'MySQL reads the comment': ['5 /*!union*/ /*!select*/ 1', "zz' /*!50000or*/ 1='1"],
  'something stands around it': [
    `{"page": 2, "customer": "zz' or 'k'='k"}`,
    '{"id": "12 or 3=3", "note": "it\'s fine"}',
    "1,Anna,Berlin\n2,zz' or 'k'='k,Rome",
    '# Notes\n\n```\n7 union select name from members\n```\n',
    "Please look up Tom's shop and the customer zz' or 'k'='k thanks",
    `${"The shop's owner said that it's open. ".repeat(300)}zz' or 'k'='k${' and more'.repeat(300)}`,
    "zz'+or+3=3--",
  ],
}

const HONEST: readonly string[] = [
  '',
  "O'Brien",
  "rock 'n' roll",
  "It's the boys' room and the girls' room",
  'select a colour or two -- thanks',
  '1 = 1',
  '1 + 1 = 2 and 2 + 2 = 4?',
  'Union Square, and the select committee',
  'the union select committee met',
  'order by 5 pm; select the blue one',
  'necklace length 16" or 18"',
  '"black tea" or "green tea"',
  '"black tea" + "green tea" - milk',
  'price > 5 and rating >= 4',
  "department = 'Sales' and city = 'Rome'",
  "name like 'A%' or name like 'B%'",
  'lambda x: x > 3 and x < 9',
  "x == 'a' or x == 'b'",
  '(a + b) * (c - d) / 2',
  'f(x) = 3*x^2 and g(x) = sin(x)',
  'time.sleep(5)',
  'import time; time.sleep(5); print(done)',
  'foo(bar); baz(qux);',
  '<a href="x" title="it\'s">text</a>',
  '{"a": "b", "c": [1, 2, 3], "d": "it\'s"}',
  'item #5 and item #6',
  "a dress of 18';",
  '3 < 5',
  '11 != 12',
  "'or' is the word that joins the two sides here",
  '1.5 or true to scale',
  'between 5 and 7',
  "say 'x'; then go",
  'std::string::npos',
  'load the car; declare it',
  '# A title\n\nSome *text* -- with dashes -- and more',
  '----------\nfoo\n----------',
  'C:\\temp\\x and D:\\y',
  'Drop the table off at 5; create a list; update me',
  'insert coin to continue',
  'delete from my list the item milk',
  'group by the river, having fun',
  'in case of fire, when in doubt, then leave',
  '3 or 4 people, 2 and 3 in stock',
  'foo@example.com, bar@example.com',
  'https://example.com/?a=1&b=2#top',
  "'tis the season",
  'SELECT',
  'between 5 and 10',
  'The function count(x) or max(y)',
  'a;b;c;1;2;3',
  "d'accord, l'or et l'argent",
  '10% off & free shipping (2 for 1)',
]

for (const [title, texts] of Object.entries(ATTACKS)) {
  test(`found: ${title}`, () => {
    for (const text of texts) {
      const found = sqlInjection(text)
      assert.equal(found.length, 1, text)
      assert.equal(found[0]?.family, 'sql')
      assert.equal(found[0]?.weight, 'strong')
      assert.match(found[0]?.reason ?? '', /^sql\.[a-z-]+$/)
    }
  })
}

test('honest text is left alone', () => {
  for (const text of HONEST) assert.deepEqual(sqlInjection(text), [], text)
})

test('case and white space do not hide an attack', () => {
  for (const text of Object.values(ATTACKS).flat()) {
    if (text.length > 200) continue
    assert.equal(sqlInjection(text.toUpperCase()).length, 1, text.toUpperCase())
    if (!text.includes('\n')) assert.equal(sqlInjection(text.replace(/ /g, '\t')).length, 1, text)
  }
})

test('the evidence is short and holds no control characters', () => {
  const [found] = sqlInjection(`${'x'.repeat(500)}\u001b[31m' or 'k'='k\u0007${'y'.repeat(500)}`)
  assert.ok(found !== undefined && found.evidence.length <= 160)
  assert.doesNotMatch(found.evidence, /\p{Cc}/u)
})

describe('tokens', () => {
  // biome-ignore format: one text a row
  const SHAPES: readonly (readonly [text: string, shape: string])[] = [
    ["a' or 1=1", 'wS'],
    ['1 or 1=1', 'n&n=n'],
    ['1e0union select', 'nUE'],
    ['1st 0x1F 1.5e3 .5', 'wnnn'],
    ["'it''s' 'a\\'b' 'open", 'ssS'],
    ['order  by x group by y orderby', 'BwBww'],
    ['sleep(1) sleep', 'Z(n)w'],
    ['count (x) count', 'f(w)w'],
    ['/* a */1/*b', 'ncw'],
    ['a--b ---- #x # y', 'wcwx#wcw'],
    ['/*!50000select*/ 1', 'MEmn'],
    ['@a @@b $1 \\N', 'vvvt'],
    ['a<=>b <> c || d && e', 'w=w=w|w&w'],
    ['größe 名前 é', 'www'],
  ]
  for (const [text, shape] of SHAPES) {
    test(JSON.stringify(text), () => assert.equal(tokensOf(text, 100).shape, shape))
  }

  test('tokens lie in order within the text, and are not more than asked for', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.integer({ min: 1, max: 300 }), (text, max) => {
        const tokens = tokensOf(text, max)
        assert.ok(tokens.shape.length <= Math.min(max, text.length))
        let from = 0
        for (let at = 0; at < tokens.shape.length; at++) {
          assert.ok(tokens.startOf(at) >= from && tokens.endOf(at) > tokens.startOf(at))
          from = tokens.endOf(at)
        }
        assert.ok(from <= text.length)
      }),
    )
  })
})

describe('whatever the text is', () => {
  // biome-ignore format: a list
  const fragment = fc.constantFrom("'", '"', '`', ' ', '(', ')', ';', '--', '/*', '*/', '/*!', '#', '=', '<', '>', '|', '&', ',', '.', '+', '-', '@', '\\', '\n', '1', 'x', 'or', 'and', 'union', 'select', 'from', 'order', 'by', 'sleep', 'in', 'like', 'null', 'drop', 'table', 'é', '\ud83d\ude00', '\ud800', '\0')
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fragment, { maxLength: 80 }).map((parts) => parts.join('')),
    fc.array(fragment, { maxLength: 80 }).map((parts) => parts.join(' ')),
  )

  test('the detector answers, and the same again', () => {
    fc.assert(
      fc.property(text, (value) => {
        const found = sqlInjection(value)
        assert.deepEqual(sqlInjection(value), found)
        assert.ok(found.length <= 1)
      }),
      { numRuns: 5000 },
    )
  })

  test('an attack that is found is found behind any line of prose', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...(ATTACKS['another SELECT is appended'] ?? [])),
        fc.lorem({ maxCount: 20 }),
        (attack, prose) => {
          assert.equal(sqlInjection(`${prose} ${attack}`).length, 1)
        },
      ),
    )
  })
})
