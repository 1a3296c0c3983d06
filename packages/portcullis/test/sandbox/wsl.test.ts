import assert from 'node:assert/strict'
import { it } from 'node:test'
import { wslVersion } from '../../src/sandbox/host-facts.ts'
import { drivesIn, windowsDrives } from '../../src/sandbox/wsl.ts'

const MOUNTS = `
22 28 0:21 / /sys rw,nosuid - sysfs sysfs rw
60 28 0:51 / /mnt/c rw,noatime - 9p C:\\134 rw,dirsync,aname=drvfs;path=C:\\;uid=1000,msize=65536,trans=fd,rfd=5,wfd=5
61 28 0:52 / /mnt/my\\040disk rw,noatime - virtiofs drvfsaD rw
62 28 0:53 / /mnt/d rw - drvfs D: rw
63 28 0:54 / /usr/lib/wsl/drivers ro,nosuid - 9p drivers ro,aname=drivers;fmask=222,trans=fd
64 28 0:55 / /home/ada/share rw - 9p host_share rw,trans=virtio
65 28 8:48 / / rw - ext4 /dev/sdd rw
`

it('drives of Windows are found by what they are, not by where they are', () => {
  assert.deepEqual(drivesIn(MOUNTS), ['/mnt/c', '/mnt/my disk', '/mnt/d'])
  assert.deepEqual(drivesIn(''), [])
})

it('the two versions are told apart', () => {
  assert.equal(wslVersion('Linux version 4.4.0-19041-Microsoft (Microsoft@Microsoft.com) (gcc version 5.4.0)'), 1)
  assert.equal(wslVersion('Linux version 5.15.153.1-microsoft-standard-WSL2 (root@941d701f84f1)'), 2)
  assert.equal(wslVersion('Linux version 6.1.0-18-amd64 (debian-kernel@lists.debian.org)'), undefined)
})

it('this host has none', () => assert.deepEqual(windowsDrives(), []))
