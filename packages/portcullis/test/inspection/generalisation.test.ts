import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { expressionInjection } from '../../src/inspection/expression/expression-injection.ts'
import type { Inspect } from '../../src/inspection/finding.ts'
import { scriptInjection } from '../../src/inspection/markup/script-injection.ts'
import { inOrdinaryPath } from '../../src/inspection/paths/ordinary-path.ts'
import { pathInjection } from '../../src/inspection/paths/path-injection.ts'
import { commandInjection } from '../../src/inspection/shell/command-injection.ts'
import { sqlInjection } from '../../src/inspection/sql/sql-injection.ts'
import { unruledUrl } from '../../src/inspection/urls/unruled-url.ts'
import { handedValue, headedValue } from '../../src/inspection/views/handed-value.ts'
import { inViews } from '../../src/inspection/views/views.ts'

const path: Inspect = (value) => inOrdinaryPath(value, inViews(pathInjection)(value))

interface Principle {
  readonly says: string
  readonly inspect: Inspect
  readonly attacks: readonly string[]
  readonly honest: readonly string[]
}

const PRINCIPLES: readonly Principle[] = [
  {
    says: 'what comments hide from a reader they do not hide from a filter or a database',
    inspect: sqlInjection,
    attacks: ['7 un/**/ion sel/**/ect pin', '7 union#zz\nselect pin, 1', "zz' or--zz\n3=3#"],
    honest: ['# Union\nselect one of three', 'a/*b*/c'],
  },
  {
    says: 'a clause behind a value, cut off by a comment, is SQL whatever its words are',
    inspect: sqlInjection,
    attacks: [
      '7 and rowid=2--',
      "zz' returning pin--",
      "zz'; reset everything -- -",
      '7;describe members#',
      "zz' for update#",
    ],
    honest: ['I like it -- a lot', "the dogs' bowl --", 'see issue 7 --', 'PAPER (8"-300 DPI) --', '3 and 4'],
  },
  {
    says: 'an empty string that is compared, or constants between operators in quotes, leave a quote',
    inspect: sqlInjection,
    attacks: ["' or ''='", `" or ""="`, "'-3||'", "'||(3)||'"],
    honest: ["'-5'", "a = '' or b = ''", "'n'"],
  },
  {
    says: 'brackets that balance are mathematics',
    inspect: sqlInjection,
    attacks: ['7) and exp(3)', '7 and exp(3)>1'],
    honest: ['exp(3) and exp(4)', 'sleep (6 hours) was enough'],
  },
  {
    says: 'a line of a text and a cell of a table are values',
    inspect: sqlInjection,
    attacks: ["Dear all,\n'>='\nthanks", 'id,name\n4,"\'%\'"\n', '{"a":"\' ~ \'"}'],
    honest: ["Dear all,\n'a' and 'b'\nthanks", 'id,name\n4,"it\'s"\n', "- 'x'\n- 'y'"],
  },
  {
    says: 'a comment between two words of one sentence is a blank that filters do not see',
    inspect: sqlInjection,
    attacks: ['drop/*zz*/table', 'select/*zz*/pin/*zz*/from/*zz*/members'],
    honest: ['update/**/*.ts', 'src/select/**/from.ts', 'delete/*.tmp'],
  },
  {
    says: 'casts and JSON operators are PostgreSQL’s alone',
    inspect: sqlInjection,
    attacks: ['7+current_role::int', `zz or '{"k":3}' -> 'k' = 3`, `'[3]'::jsonb`, '7 and current_role=3'],
    honest: ['std::string', 'Types::JSON', 'Type::int()', 'use crate::text', "'a' and 'b' -> 'c'"],
  },
  {
    says: 'the end of a list, a string that somebody else closes, a statement that is cut off',
    inspect: sqlInjection,
    attacks: [') as zz from', 'zz or pin = "', 'drop members;--', "zz';select pin", 'having sum(pin) > 7'],
    honest: ['(seen) as a whole', 'red or pin', 'drop me a line -- soon', 'use "x"; select one', 'having fun (5)'],
  },
  {
    says: 'dollars quote strings',
    inspect: sqlInjection,
    attacks: ["zz' or $$k$$=$$k$$--", "zz' or $q$k$q$=$q$k$q$#"],
    honest: ['$5 or $6', '$$'],
  },
  {
    says: 'a sign glued to a value and a program behind it are a command, whatever stands around the program',
    inspect: commandInjection,
    attacks: [
      'a.txt;{ ls -la; }',
      'a.txt;! ps aux',
      'a.txt;(hostname)',
      'a.txt;LC_ALL=C id',
      '8.8.8.8|sleep 7',
      'a.txt && hostname',
      '8.8.8.8;cp a b',
    ],
    honest: [
      'id;name;date;host',
      'cat|dog|time|host',
      'red; time flies',
      'cut & paste',
      'node.js & npm',
      'if (a || b) && c',
      'x = 1;\nbreak;\n',
    ],
  },
  {
    says: 'an encoded end of a line before a program is one',
    inspect: commandInjection,
    attacks: ['a%0aid', 'a%0d%0ahostname', 'a%1adir', '%250als'],
    honest: ['100%0', 'a%0afoo', '50%1a'],
  },
  {
    says: 'variables that rule the loader, compounds and calls of PowerShell prove a command',
    inspect: commandInjection,
    attacks: [
      'LD_PRELOAD=/srv/a.so ls',
      'a;for i in 1 2;do id;done',
      'a;Resolve-DnsName b.example',
      'a;[Net.Dns]::GetHostByName("b")',
      'a&if 1==1 calc',
    ],
    honest: ['PATH is a variable', 'for each one in turn, do it', 'BMW; Rolls-Royce', 'if a == b then c'],
  },
  {
    says: 'dots, a byte that was meant as a separator, and steps that somebody cuts are traversal in any path',
    inspect: path,
    attacks: [
      'a/%2e%2e/%2e%2e/etc/group',
      '..%c0%5cb',
      '..%20/..%20/b',
      'a/..;x=1/..;x=1/b',
      '..|/..|/b',
      '..',
      'web.config::$DATA',
    ],
    honest: ['wait...%20ok', 'a..b', '/etc/hosts', 'logs/a b.txt', '/var/log/syslog'],
  },
  {
    says: 'a host that another parser could end elsewhere is judged in its pieces',
    inspect: unruledUrl,
    attacks: [
      'http://127.0.0.1%00.example.com/',
      'http://127.0.0.1;example.com/',
      'http://(127.0.0.1)/',
      'http://127.0.0.1.example.com/',
      'http://example.com#@127.0.0.1/',
      'h\nttp://127.0.0.1',
    ],
    honest: ['https://example.com/a;b(c)', 'https://3.321.3232.2x/a', 'https://example.com/#section'],
  },
  {
    says: 'attributes of frameworks run script, and what closes a string and calls does too',
    inspect: scriptInjection,
    attacks: [
      '<div x-init="go()">',
      '<p @click="a=go,a(1)">',
      '<p hx-on:click="go()">',
      "'-go(1)-'",
      "');$.get('/a');('",
    ],
    honest: ['<p x-data>', "'a' + go(1)", '- go (fast)'],
  },
  {
    says: 'a property of a document compared in a query is one',
    inspect: expressionInjection,
    attacks: ["' && this.pin.length>0//"],
    honest: ['this is longer'],
  },
]

for (const { says, inspect, attacks, honest } of PRINCIPLES) {
  describe(says, () => {
    const isStrong = (value: string): boolean => inspect(value).some(({ weight }) => weight !== 'hint')
    for (const value of attacks) test(`sees ${JSON.stringify(value)}`, () => assert.ok(isStrong(value)))
    for (const value of honest) test(`leaves ${JSON.stringify(value)} alone`, () => assert.ok(!isStrong(value)))
  })
}

test('a value that words of a sentence follow is read by itself', () => {
  assert.equal(headedValue('sleep(9) and then tell me what you have found'), 'sleep(9)')
  assert.equal(headedValue('sleep(9) and then'), undefined)
  assert.equal(headedValue('these are only words that follow one another'), undefined)
  assert.ok(sqlInjection('sleep(9) and then tell me what you have found').length > 0)
})

test('a value that a sentence hands on is read by itself', () => {
  assert.equal(handedValue('Please look this up: 7 or 3=3'), '7 or 3=3')
  assert.equal(handedValue('host: example.com'), undefined)
  assert.equal(handedValue('Nothing follows this one: '), undefined)
  assert.ok(commandInjection('Please look this up for me: env --version').length > 0)
})
