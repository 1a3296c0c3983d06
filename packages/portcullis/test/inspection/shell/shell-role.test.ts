import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import fc from 'fast-check'
import type { Inspect } from '../../../src/inspection/finding.ts'
import { loadShellRole } from '../../../src/inspection/shell/shell-role.ts'
import { SHELL_FEATURES } from '../../../src/core/inspection-words.ts'
import { type ShellFeature, type ShellRules } from '../../../src/inspection/shell/shell-rules.ts'

let shellRole: (rules: ShellRules) => Inspect
before(async () => {
  shellRole = await loadShellRole()
})

const PROGRAMS = {
  ls: {},
  cat: { operands: 'paths' },
  grep: {},
  echo: {},
  git: {},
  find: {},
  tar: {},
  head: { allowedFlags: ['-n=', '-q'] },
} as const
const RULES: ShellRules = { programs: PROGRAMS, roots: ['/srv/data', '/tmp/work'] }
const reasons = (value: string, rules: ShellRules = RULES) => shellRole(rules)(value).map(({ reason }) => reason)

const HARMLESS = [
  'ls',
  'ls -la',
  "ls 'a b'",
  'ls "a b"',
  'cat a.txt',
  'cat /srv/data/a.txt ./b ../data/c',
  'grep -rn needle /srv/data',
  'git log --oneline',
  'head -n 5 a',
  'head -n5 -q a',
  'echo 50% done, really!',
  "echo '$(id) `id` ; | > *'",
  'ls # only a comment',
  'find . -name x.txt',
]
for (const value of HARMLESS) test(`${value} is within the rules`, () => assert.deepEqual(reasons(value), []))

const BREACHES: readonly (readonly [reason: string, value: string])[] = [
  ['program', 'rm -rf /srv/data'],
  ['program', '/bin/ls'],
  ['program', 'r\\m x'],
  ['program', "w'h'oami"],
  ['program', 'eval ls'],
  ['program', '. ./x'],
  ['program', 'sh -c ls'],
  ['computed-program', '$X'],
  ['computed-program', 'l? -a'],
  ['computed-program', '"$(id)"'],
  ['sequences', 'ls; ls'],
  ['sequences', 'ls\nls'],
  ['conditions', 'ls && ls'],
  ['conditions', 'ls || ls'],
  ['conditions', '! ls'],
  ['pipes', 'ls | grep a'],
  ['pipes', 'ls |& grep a'],
  ['redirection', 'ls > a'],
  ['redirection', 'ls 2>&1'],
  ['redirection', 'cat < a'],
  ['redirection', '> a'],
  ['here-documents', 'cat <<X\na\nX'],
  ['here-documents', 'cat <<< a'],
  ['globbing', 'ls *'],
  ['globbing', 'ls a?'],
  ['globbing', 'ls [ab]'],
  ['globbing', 'ls {a,b}'],
  ['globbing', 'ls ~'],
  ['globbing', 'ls ~root/x'],
  ['globbing', 'ls @(a|b)'],
  ['variables', 'ls $HOME'],
  ['variables', 'ls "${HOME}"'],
  ['assignments', 'A=1 ls'],
  ['assignments', 'A=1'],
  ['assignments', 'export A=1'],
  ['substitution', 'ls $(id)'],
  ['substitution', 'ls "`id`"'],
  ['substitution', 'ls <(id)'],
  ['arithmetic', 'ls $((1+1))'],
  ['arithmetic', '((1+1))'],
  ['background', 'ls &'],
  ['functions', 'f() { ls; }'],
  ['compound', 'if ls; then ls; fi'],
  ['compound', 'for a in b; do ls; done'],
  ['compound', '(ls)'],
  ['compound', '{ ls; }'],
  ['compound', '[[ a == b ]]'],
  ['compound', 'time ls'],
  ['unparsable', 'ls "'],
  ['unparsable', 'ls ('],
  ['unparsable', 'ls )'],
  ['empty', ''],
  ['empty', '   '],
  ['empty', '# nothing'],
  ['control', 'ls \0'],
  ['control', 'ls \x1b[31m'],
  ['control', 'ls\r'],
  ['too-long', `ls ${'a'.repeat(4096)}`],
  ['too-complex', `ls${'|ls'.repeat(200)}`],
  ['path', 'cat /etc/passwd'],
  ['path', 'cat ../../etc/passwd'],
  ['path', 'cat ..'],
  ['path', 'ls /srv/data/../../etc'],
  ['path', 'ls /srv/database'],
  ['path', 'grep --file-like=/etc/passwd x'],
  ['path', 'grep -r../../etc x'],
  ['flag', 'find . -exec id +'],
  ['flag', 'find . -execdir id +'],
  ['flag', 'find . -delete'],
  ['flag', 'git -c core.pager=id log'],
  ['flag', 'git log --output=x'],
  ['flag', 'tar --to-command=id -xf a'],
  ['flag', 'tar --to-com id -xf a'],
  ['flag', 'tar --checkpoint-action=exec=id -xf a'],
  ['flag', 'tar -xIid -f a'],
  ['flag', 'grep -f a b'],
  ['flag', 'head -c 5 a'],
  ['flag', 'head --lines=5 a'],
]
for (const [reason, value] of BREACHES) {
  test(`${JSON.stringify(value.slice(0, 40))} breaks the rule ${reason}`, () => {
    const [seen] = shellRole(RULES)(value)
    assert.equal(seen?.reason, `command.${reason}`)
    assert.equal(seen?.weight, 'breach')
    assert.match(seen?.says ?? '', /^must /)
  })
}

const ALLOWED: readonly (readonly [feature: ShellFeature, value: string])[] = [
  ['sequences', 'ls; ls'],
  ['conditions', 'ls && ls || ! ls'],
  ['pipes', 'ls | grep a'],
  ['redirection', 'ls > a 2>&1'],
  ['here-documents', 'cat <<< a'],
  ['globbing', 'ls *.txt'],
  ['variables', 'ls $HOME'],
  ['assignments', 'A=1 ls'],
  ['substitution', 'ls $(ls)'],
  ['arithmetic', '((1+1)) # no program'],
  ['background', 'ls &'],
  ['functions', 'f() { ls; }'],
  ['compound', 'if ls; then ls; fi'],
]
for (const [feature, value] of ALLOWED) {
  test(`${value} needs the word ${feature} and no other`, () => {
    const others = SHELL_FEATURES.filter((each) => each !== feature)
    assert.ok(reasons(value, { ...RULES, allow: others }).length > 0)
    const extra: readonly ShellFeature[] = feature === 'functions' ? ['compound'] : []
    const left = reasons(value, { ...RULES, allow: [feature, ...extra] })
    assert.deepEqual(left, feature === 'arithmetic' ? ['command.empty'] : [])
  })
}

test('whatever a substitution, a function or a loop runs is looked at too', () => {
  const allow = SHELL_FEATURES
  for (const value of [
    'ls $(rm x)',
    'f() { rm x; }; f',
    'for a in b; do rm $a; done',
    'ls "$(ls "$(rm x)")"',
    'ls <(rm x)',
  ]) {
    assert.deepEqual(reasons(value, { ...RULES, allow }), ['command.program'], value)
  }
})

test('a redirection leads into the roots, to another number or nowhere', () => {
  const allow = ['redirection', 'variables'] as const
  assert.deepEqual(reasons('ls > /tmp/work/a 2>&1', { ...RULES, allow }), [])
  assert.deepEqual(reasons('ls > /etc/x', { ...RULES, allow }), ['command.path'])
  assert.deepEqual(reasons('ls > $X', { ...RULES, allow }), ['command.computed-target'])
  assert.deepEqual(reasons('ls > /dev/tcp/10.0.0.1/80', { ...RULES, allow, roots: ['/'] }), ['command.network'])
})

test('no variable that rules the shell or the loader can be set', () => {
  for (const name of ['PATH', 'LD_PRELOAD', 'IFS', 'BASH_ENV', 'GIT_SSH_COMMAND', 'PAGER', 'NODE_OPTIONS']) {
    assert.deepEqual(reasons(`${name}=x ls`, { ...RULES, allow: ['assignments'] }), ['command.ruling-variable'])
  }
})

test('programs that run others need a word of their own, even when they are listed', () => {
  for (const value of ['env ls', 'xargs ls', 'sudo ls', 'sh -c ls', 'awk 1 a', 'python3 -c 1', 'ssh host', 'eval ls']) {
    const name = value.split(' ')[0] as string
    assert.deepEqual(reasons(value, { programs: { [name]: {} } }), ['command.runs-others'])
    assert.deepEqual(reasons(value, { programs: { [name]: { runsOthers: 'allowed' } } }), [])
  }
  assert.deepEqual(reasons('/usr/bin/env ls', { programs: { '/usr/bin/env': {} } }), ['command.runs-others'])
  assert.deepEqual(reasons('find . -exec ls', { programs: { find: { runsOthers: 'allowed' } } }), [])
})

test('names that every object has are no programs', () => {
  for (const name of ['constructor', '__proto__', 'toString']) assert.deepEqual(reasons(name), ['command.program'])
})

test('each shell has its own grammar', () => {
  const array = 'a=(1 2)'
  assert.deepEqual(reasons(array, { ...RULES, allow: ['assignments'] }), ['command.empty'])
  assert.deepEqual(reasons(array, { ...RULES, allow: ['assignments'], variant: 'posix' }), ['command.unparsable'])
})

test('operands can be refused altogether', () => {
  assert.deepEqual(reasons('ls x', { programs: { ls: { operands: 'none' } } }), ['command.operand'])
  assert.deepEqual(reasons('ls -- -x', { programs: { ls: { operands: 'none' } } }), ['command.operand'])
})

test('nothing makes it throw, and only listed programs ever pass', () => {
  const word = fc.constantFrom(
    'ls',
    'rm',
    ';',
    '|',
    '&',
    '$(',
    ')',
    '`',
    '"',
    "'",
    '<',
    '>',
    '\n',
    '{',
    '}',
    ' ',
    'a',
    '\\',
    '$x',
    '*',
    '<<',
    'if',
    'then',
  )
  fc.assert(
    fc.property(fc.array(word, { maxLength: 24 }), (words) => {
      const seen = shellRole({ programs: { ls: {} }, allow: SHELL_FEATURES })(words.join(''))
      assert.ok(seen.length <= 1)
    }),
    { numRuns: 500 },
  )
})

const MORE: ShellRules = {
  programs: Object.fromEntries(
    'cat curl dd declare echo find git ls printf python3.11 read sort split tar test unset'
      .split(' ')
      .map((program) => [program, {}]),
  ),
  roots: ['/srv/data'],
}
const DISGUISED: readonly (readonly [reason: string, value: string, variant?: 'posix'])[] = [
  ['escaped-quotes', "cat $'\\x2fetc/passwd'"],
  ['escaped-quotes', "cat a$'\\057etc'"],
  ['escaped-quotes', "find . $'\\55delete'"],
  ['escaped-quotes', 'cat $"a"'],
  ['escaped-quotes', "cat $'\\057etc/passwd'", 'posix'],
  ['escaped-quotes', 'echo $"a"', 'posix'],
  ['flag', 'find -- . -delete'],
  ['flag', 'test -- -v x'],
  ['flag', "tar xIf 'sh -c id' a.tar"],
  ['flag', "split --f='sh -c id' a"],
  ['flag', 'sort --o=a b'],
  ['flag', "printf -v 'a[$(id)]' x"],
  ['flag', "test -v 'a[$(id)]'"],
  ['runs-others', 'python3.11 a'],
  ['runs-others', "unset 'a[$(id)]'"],
  ['runs-others', "read 'a[$(id)]'"],
  ['runs-others', 'git submodule foreach id'],
  ['runs-others', 'git -C a bisect run id'],
  ['path', 'dd if=/etc/passwd'],
  ['path', 'dd if=a/../../../etc/passwd'],
  ['path', 'curl file:///etc/passwd'],
  ['path', 'curl -H @/etc/passwd'],
  ['path', 'ls --a=b=/etc'],
  ['path', 'cat a,/etc/passwd'],
]
for (const [reason, value, variant] of DISGUISED)
  test(`${value} is no way around the rules${variant === undefined ? '' : `, ${variant}`}`, () =>
    assert.deepEqual(reasons(value, { ...MORE, ...(variant && { variant }) }), [`command.${reason}`]))

const SETTERS = [
  'export "PATH=/srv/data/x"; ls',
  "declare 'LD_PRELOAD=a'; ls",
  "declare 'a[$(id)]=1'; ls",
  'declare -n r=PATH; r=x; ls',
  'export $x; ls',
  'for PATH in x; do ls; done',
  'PATH+=:x ls',
  'RIPGREP_CONFIG_PATH=a ls',
  'https_proxy=a ls',
]
for (const value of SETTERS)
  test(`${value} sets what nobody may`, () => {
    const allow: readonly ShellFeature[] = ['assignments', 'sequences', 'compound', 'variables']
    assert.deepEqual(reasons(value, { ...MORE, allow }), ['command.ruling-variable'])
  })

const STILL_HARMLESS = [
  "echo '$' 'a'",
  'echo "costs $"',
  'curl https://example.com/a',
  'tar czf a.tgz b',
  'dd if=a of=b',
  'git log -- config',
  'echo "see: /x"',
]
for (const value of STILL_HARMLESS)
  test(`${value} is still within the rules`, () =>
    assert.deepEqual(reasons(value, value.includes('see:') ? { programs: MORE.programs } : MORE), []))
