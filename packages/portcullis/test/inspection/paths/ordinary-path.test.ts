import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { roleInspectors } from '../../../src/inspection/all-detectors.ts'

const { inspect } = roleInspectors().of({ role: 'path' })
const weightOf = (path: string) => inspect(path).map(({ weight }) => weight)

const ORDINARY = [
  '/x',
  '/usr/bin/env',
  '/var/log/app.log',
  './a.txt',
  '~/notes.txt',
  'C:\\Users\\ada\\a.txt',
  'R&D/report; final.docx',
  '.github/workflows/ci.yml',
  '**/*.ts',
]
const NOTED = [
  '/home/ada/.config/app/settings.json',
  '/home/ada/project/.gitignore',
  '/work/.portcullis/demo/welcome.txt',
  '/etc/hosts',
]
const REFUSED = [
  '/etc/shadow',
  '/home/ada/.ssh/id_rsa',
  '/home/ada/project/.env',
  '/proc/self/environ',
  '/.some-agent/settings.json',
  '../../etc/hosts',
  'a/../../b',
  '%2fhome%2fada%2f.config%2fapp%2fsettings.json',
  'see /home/ada/.config/app/settings.json for it',
  '/srv/a$(id)',
  '--output=/x',
]

describe('a path for which nobody has set rules', () => {
  for (const path of ORDINARY) test(`is ordinary: ${path}`, () => assert.deepEqual(weightOf(path), []))
  for (const path of NOTED)
    test(`is for a reader: ${path}`, () => assert.deepEqual(new Set(weightOf(path)), new Set(['hint'])))
  for (const path of REFUSED) test(`is an attack: ${path}`, () => assert.ok(weightOf(path).includes('strong')))
})
