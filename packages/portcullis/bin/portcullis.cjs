#!/usr/bin/env node
/* Old syntax on purpose: this file has to run on a Node that is too old for everything else, to say so. */
'use strict'

var parts = process.versions.node.split('.')
var major = Number(parts[0])
var minor = Number(parts[1])

if (major < 22 || (major === 22 && minor < 19)) {
  console.error(
    'Portcullis needs Node 22.19 or newer; this is ' +
      process.versions.node +
      '. Without installing one: npx -p node@26 -p portcullis portcullis',
  )
  process.exit(69)
}

var fs = require('node:fs')
var os = require('node:os')
var path = require('node:path')
var enableCompileCache = require('node:module').enableCompileCache
if (enableCompileCache) cacheCode()

// What is loaded stays; young objects get their room back when there is traffic (src/cli/young-space.ts).
require('node:v8').setFlagsFromString('--semi-space-growth-factor=1')

// Nothing has to be loaded for this one.
if (process.argv.length === 3 && (process.argv[2] === '--version' || process.argv[2] === '-V')) {
  console.log(require('../package.json').version)
} else {
  var main = path.join(__dirname, '..', 'dist', 'program', 'main.js')
  import(require('node:url').pathToFileURL(main).href).then(
    function (entry) {
      return entry.main()
    },
    function (error) {
      if (error.code !== 'ERR_MODULE_NOT_FOUND' || String(error.message).indexOf(main) < 0) throw error
      console.error('Portcullis is not built; run: npm run build')
      process.exit(69)
    },
  )
}

/* Compiled code is run as it is found, so it lies where only we can write: never in a temporary folder of all users. */
function cacheCode() {
  if (process.env.NODE_COMPILE_CACHE) return
  try {
    var home = process.env.CACHE_DIRECTORY || process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache')
    var folder = path.join(home, 'portcullis')
    fs.mkdirSync(folder, { recursive: true, mode: 448 /* 0700 */ })
    var facts = fs.lstatSync(folder)
    var ours = process.platform === 'win32' || (facts.uid === process.geteuid() && (facts.mode & 63) === 0)
    if (facts.isDirectory() && ours) enableCompileCache(folder)
  } catch (error) {
    // A folder that cannot be used makes the start slower, and nothing else.
    if (error.code === undefined) throw error
  }
}
