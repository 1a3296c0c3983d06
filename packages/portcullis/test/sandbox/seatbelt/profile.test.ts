import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { buildSeatbeltProfile, type ProfileInput } from '../../../src/sandbox/seatbelt/profile.ts'
import { evaluate, parse, type Question } from './sbpl.ts'

const INPUT: ProfileInput = {
  runtime: ['/Users/ada/node/bin/node'],
  readOnly: [
    { path: '/Users/ada/library', kind: 'folder' },
    { path: '/Users/ada/book', kind: 'file' },
  ],
  readWrite: [{ path: '/Users/ada/library/notes', kind: 'folder' }],
  hidden: [{ path: '/Users/ada/library/notes/state', kind: 'folder' }],
  proxyPort: 4128,
}

const read = (path: string): Question => ({ operation: 'file-read-data', path })
const write = (path: string): Question => ({ operation: 'file-write-data', path })
const create = (path: string): Question => ({ operation: 'file-write-create', path })
const run = (path: string): Question => ({ operation: 'process-exec', path })
const connect = (remote: string): Question => ({ operation: 'network-outbound', remote })

// biome-ignore format: one question a row
const ROWS: ReadonlyArray<readonly [what: string, question: Question, decision: 'allow' | 'deny']> = [
  ['reads a shown folder',                     read('/Users/ada/library/a/b'),               'allow'],
  ['reads a shown file',                       read('/Users/ada/book'),                      'allow'],
  ['reads beside a shown file',                read('/Users/ada/book2'),                     'deny'],
  ['reads a folder with a longer name',        read('/Users/ada/library-of-others/x'),       'deny'],
  ['reads a key',                              read('/Users/ada/.ssh/id_ed25519'),           'deny'],
  ['reads the keychain',                       read('/Users/ada/Library/Keychains/login.keychain-db'), 'deny'],
  ['reads passwords',                          read('/private/etc/master.passwd'),           'deny'],
  ['reads the accounts of the host',           read('/private/var/db/dslocal/nodes/x.plist'), 'deny'],
  ['reads the system libraries',               read('/usr/lib/dyld'),                        'allow'],
  ['reads its own program',                    read('/Users/ada/node/bin/node'),             'allow'],
  ['lists the folder of its own program',      read('/Users/ada/node/bin'),                  'deny'],
  ['asks what a folder on the way is',         { operation: 'file-read-metadata', path: '/Users/ada' }, 'allow'],
  ['lists a folder on the way',                read('/Users/ada'),                           'deny'],
  ['asks about a folder that is not on it',    { operation: 'file-read-metadata', path: '/Users/bob' }, 'deny'],
  ['writes into a read-only folder',           write('/Users/ada/library/x'),                'deny'],
  ['makes a file in a read-only folder',       create('/Users/ada/library/x'),               'deny'],
  ['writes into a writable folder inside',     write('/Users/ada/library/notes/x'),          'allow'],
  ['removes a file there',                     { operation: 'file-write-unlink', path: '/Users/ada/library/notes/x' }, 'allow'],
  ['sets a set-uid bit there',                 { operation: 'file-write-setugid', path: '/Users/ada/library/notes/x' }, 'deny'],
  ['gives a file a second name',               { operation: 'file-link', path: '/Users/ada/library/notes/x' }, 'deny'],
  ['reads what belongs to the gateway',        read('/Users/ada/library/notes/state/key'),   'deny'],
  ['writes what belongs to the gateway',       write('/Users/ada/library/notes/state/key'),  'deny'],
  ['runs what belongs to the gateway',         run('/Users/ada/library/notes/state/key'),    'deny'],
  ['writes into the system',                   write('/usr/lib/dyld'),                       'deny'],
  ['writes a file that starts at login',       create('/Users/ada/Library/LaunchAgents/x.plist'), 'deny'],
  ['throws something away',                    write('/dev/null'),                           'allow'],
  ['opens a disk',                             read('/dev/disk0'),                           'deny'],
  ['opens a terminal',                         read('/dev/ttys001'),                         'deny'],
  ['runs its program',                         run('/Users/ada/node/bin/node'),              'allow'],
  ['runs a shell',                             run('/bin/sh'),                               'allow'],
  ['runs a program of a shown folder',         run('/Users/ada/library/tool'),               'allow'],
  ['runs a program of another account',        run('/Users/bob/tool'),                       'deny'],
  ['starts applications outside',              run('/usr/bin/open'),                         'deny'],
  ['drives applications by script',            run('/usr/bin/osascript'),                    'deny'],
  ['asks for keys',                            run('/usr/bin/security'),                     'deny'],
  ['installs a service',                       run('/bin/launchctl'),                        'deny'],
  ['forks',                                    { operation: 'process-fork' },                'allow'],
  ['signals its own child',                    { operation: 'signal', target: 'same-sandbox' }, 'allow'],
  ['signals the gateway',                      { operation: 'signal', target: 'others' },    'deny'],
  ['looks at the gateway',                     { operation: 'process-info-pidinfo', target: 'others' }, 'deny'],
  ['asks the pasteboard',                      { operation: 'mach-lookup' },                 'deny'],
  ['sends an Apple event',                     { operation: 'appleevent-send' },             'deny'],
  ['opens a device driver',                    { operation: 'iokit-open' },                  'deny'],
  ['reads the number of processors',           { operation: 'sysctl-read', sysctl: 'hw.ncpu' }, 'allow'],
  ['reads the name of the host',               { operation: 'sysctl-read', sysctl: 'kern.hostname' }, 'deny'],
  ['lists the processes of the host',          { operation: 'sysctl-read', sysctl: 'kern.proc.all' }, 'deny'],
  ['sets a kernel value',                      { operation: 'sysctl-write', sysctl: 'hw.ncpu' }, 'deny'],
  ['connects to the proxy',                    connect('localhost:4128'),                    'allow'],
  ['connects to another port of the host',     connect('localhost:5432'),                    'deny'],
  ['connects to the Internet',                 connect('192.0.2.1:443'),                     'deny'],
  ['connects to a socket in a writable folder', { operation: 'network-outbound', path: '/Users/ada/library/notes/daemon.sock' }, 'deny'],
  ['asks the system for an address',           { operation: 'network-outbound', path: '/private/var/run/mDNSResponder' }, 'deny'],
  ['listens',                                  { operation: 'network-bind' },                'deny'],
  ['accepts',                                  { operation: 'network-inbound' },             'deny'],
  ['loads into the kernel',                    { operation: 'system-kext-load' },            'deny'],
]

const profile = buildSeatbeltProfile(INPUT)

describe('the profile of macOS', () => {
  for (const [what, question, decision] of ROWS) {
    it(`a program that ${what}: ${decision}`, () => {
      assert.equal(evaluate(profile, question), decision)
    })
  }
})

it('without rules of the network nothing can be connected to', () => {
  const closed = buildSeatbeltProfile({ ...INPUT, proxyPort: undefined })
  assert.equal(evaluate(closed, connect('localhost:4128')), 'deny')
  assert.doesNotMatch(closed, /network/)
})

it('a path cannot add a rule, whatever it is made of', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (tail) => {
      const path = `/Users/ada/${tail}`
      const only: ProfileInput = {
        runtime: [],
        readOnly: [],
        readWrite: [{ path, kind: 'file' }],
        hidden: [],
        proxyPort: undefined,
      }
      if (/\p{Cc}/u.test(path)) assert.throws(() => buildSeatbeltProfile(only), { code: 'sandbox.start_failed' })
      else {
        const rules = parse(buildSeatbeltProfile(only))
        const none = parse(buildSeatbeltProfile({ ...only, readWrite: [] }))
        assert.equal(rules.length, none.length + 1)
        assert.equal(evaluate(buildSeatbeltProfile(only), write(path)), 'allow')
      }
    }),
  )
})

it('the evaluator refuses what is no profile', () => {
  for (const text of [
    '',
    '(version 2)',
    '(version 1',
    '(version 1))',
    '(version 1) (deny default) (allow file-read* (near "x"))',
  ]) {
    assert.throws(() => evaluate(text, read('/x')), text)
  }
})
