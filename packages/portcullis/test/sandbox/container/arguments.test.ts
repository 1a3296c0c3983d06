import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type CreateInput, createArguments } from '../../../src/sandbox/container/arguments.ts'

const IMAGE = `localhost/x@sha256:${'0'.repeat(64)}`

const INPUT: CreateInput = {
  engine: 'podman',
  name: 'portcullis-1-2-3-4',
  image: IMAGE,
  runtime: undefined,
  account: { uid: 200_001, gid: 200_001, keepId: false },
  network: 'none',
  mounts: ['--mount=type=bind,src=/a,dst=/a,ro'],
  kit: ['--init-path=/kit/init'],
  imageVolumes: ['/data'],
  masked: ['/proc/cmdline', '/sys'],
  descriptors: { environment: 3, filter: 4 },
  spec: {
    command: 'node',
    args: ['server.js', '--privileged'],
    env: {},
    readOnly: [],
    readWrite: [],
    network: 'none',
    limits: {
      memoryBytes: 1 << 28,
      cpus: 0.5,
      processes: 64,
      openFiles: 256,
      fileBytes: 1 << 20,
      tmpBytes: 1 << 22,
      tmpFiles: 1000,
      maxLineBytes: 1,
      maxStderrBytes: 1,
      stdinBacklogBytes: 1,
      outputBytesPerSecond: 1,
      lifeMs: 1500,
    },
  },
}

const COMMON = [
  'create',
  '--name=portcullis-1-2-3-4',
  '--label=portcullis=portcullis-1-2-3-4',
  '--interactive',
  '--init',
  '--pull=never',
  '--read-only',
  '--cap-drop=ALL',
  '--security-opt=no-new-privileges',
  '--security-opt=seccomp=/dev/fd/4',
  '--network=none',
  '--ipc=private',
  '--cgroupns=private',
  '--hostname=sandbox',
  '--user=200001:200001',
  '--log-driver=none',
  '--no-healthcheck',
  '--memory=268435456b',
  '--memory-swap=268435456b',
  '--pids-limit=64',
  '--cpus=0.5',
  '--ulimit=core=0:0',
  '--ulimit=nofile=256:256',
  '--ulimit=fsize=1048576:1048576',
  '--ulimit=memlock=1048576:1048576',
  '--ulimit=msgqueue=0:0',
  '--ulimit=sigpending=1024:1024',
  '--ulimit=nproc=4096:4096',
]

const END = ['--env-file=/dev/fd/3', '--workdir=/home/sandbox']

it('podman gets every wall, and the command after everything of ours', () => {
  const options = 'rw,exec,nosuid,nodev,mode=1777,size=4194304,notmpcopyup'
  assert.deepEqual(createArguments(INPUT), [
    ...COMMON,
    ...[`--tmpfs=/tmp:${options}`, `--tmpfs=/home/sandbox:${options}`, '--shm-size=16777216b'],
    '--mount=type=bind,src=/a,dst=/a,ro',
    '--read-only-tmpfs=false',
    '--image-volume=ignore',
    '--systemd=false',
    '--http-proxy=false',
    '--sdnotify=ignore',
    '--no-hosts',
    '--passwd-entry=sandbox:x:200001:200001::/home/sandbox:/bin/sh',
    '--init-path=/kit/init',
    ...['--unsetenv=container', '--unsetenv=TERM', '--unsetenv=HOSTNAME'],
    '--security-opt=mask=/proc/cmdline:/sys',
    '--timeout=12',
    ...END,
    '--entrypoint=["node"]',
    ...[IMAGE, 'server.js', '--privileged'],
  ])
})

it('docker gets every wall that it knows', () => {
  const options = 'rw,exec,nosuid,nodev,mode=1777,size=4194304,nr_inodes=1000'
  assert.deepEqual(createArguments({ ...INPUT, engine: 'docker', runtime: 'runsc' }), [
    ...COMMON,
    ...[`--tmpfs=/tmp:${options}`, `--tmpfs=/home/sandbox:${options}`, '--shm-size=16777216b'],
    '--mount=type=bind,src=/a,dst=/a,ro',
    '--tmpfs=/data:ro,nosuid,nodev,size=4096',
    '--runtime=runsc',
    ...END,
    '--entrypoint=node',
    ...[IMAGE, 'server.js', '--privileged'],
  ])
})

it('an empty command is that of the image', () => {
  const args = createArguments({ ...INPUT, spec: { ...INPUT.spec, command: '' } })
  assert.ok(!args.some((argument) => argument.startsWith('--entrypoint')))
  assert.deepEqual(args.slice(-3), [IMAGE, 'server.js', '--privileged'])
})

it('an engine without root keeps our number, and what is not limited is left out', () => {
  const { cpus: _cpus, lifeMs: _life, ...limits } = INPUT.spec.limits
  const spec = { ...INPUT.spec, limits: { ...limits, dataBytes: 5, processes: 5000 } }
  const args = createArguments({ ...INPUT, spec, masked: [], account: { uid: 1000, gid: 1000, keepId: true } })
  assert.ok(args.includes('--userns=keep-id'))
  assert.ok(args.includes('--ulimit=data=5:5') && args.includes('--ulimit=nproc=5000:5000'))
  assert.ok(!args.some((argument) => /^--(?:cpus|timeout)|mask=/.test(argument)))
})
