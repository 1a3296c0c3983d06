import assert from 'node:assert/strict'
import { it } from 'node:test'
import { openerCommand } from '../../../src/sandbox/network/opener.ts'

const TOOLS = { bwrap: '/usr/bin/bwrap', sh: '/bin/sh', node: '/opt/node', ip: '/usr/sbin/ip' }
const EXPLICIT = { proxyPort: 3128, transparentPorts: undefined }
const TRANSPARENT = { proxyPort: 3128, transparentPorts: [80, 443] }

it('makes the network namespace with bubblewrap, which brings loopback up', () => {
  const line = openerCommand(EXPLICIT, TOOLS, true).join(' ')
  assert.match(line, /^\/usr\/bin\/bwrap --unshare-net --die-with-parent --dev-bind \/ \/ -- \/opt\/node --eval /)
  assert.ok(!line.includes('route'))
})

it('takes the rights that it needs from a user namespace of its own when the gateway is not root', () => {
  const line = openerCommand(EXPLICIT, TOOLS, false).join(' ')
  assert.match(line, /^\/usr\/bin\/bwrap --unshare-net --unshare-user --uid 0 --gid 0 --cap-add ALL --die-with-parent /)
})

it('transparent mode takes the stand-in addresses first, without a word of configuration in a shell line', () => {
  const argv = openerCommand(TRANSPARENT, TOOLS, true)
  const shell = argv.indexOf('/bin/sh')
  assert.deepEqual(argv.slice(shell, shell + 5), [
    '/bin/sh',
    '-c',
    '"$0" route add local 198.18.0.0/15 dev lo && exec "$@"',
    '/usr/sbin/ip',
    '/opt/node',
  ])
  assert.equal(argv.at(-2), '{"proxyPort":3128,"transparentPorts":[80,443]}')
})
