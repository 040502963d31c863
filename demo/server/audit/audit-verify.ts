import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { genesis, readHead, verifyChain } from './audit-chain.ts'
import { headFile } from './audit-log.ts'

/**
 * `tsx demo/server/audit/audit-verify.ts FILE [SEQ:HASH]`: exit code 0 if the chain is whole, 1 if it isn't. The head is
 * FILE.head, its key AUDIT_KEY or the one beside the log; SEQ:HASH is what an earlier run has printed.
 */
const verify = async (file: string, kept: string): Promise<string> => {
  const key = process.env.AUDIT_KEY ?? readFileSync(join(dirname(file), 'audit-key'), 'utf8')
  const head = readHead(headFile(file), key)
  if (!head) throw new Error(`${headFile(file)} is missing: without it nobody can tell whether lines are.`)
  const match = /^(\d+):([0-9a-f]{64})$/.exec(kept)
  if (!match) throw new Error('SEQ:HASH is what an earlier run has printed.')
  const result = await verifyChain(file, head, { seq: Number(match[1]), hash: match[2]! })
  if (result.state === 'broken') throw new Error(`${file}:${result.line}: ${result.reason}`)
  const beyond = result.beyond > 0 ? ` ${result.beyond} of them are not in the head yet.` : ''
  return `${result.head.seq} lines, whole.${beyond} Keep this elsewhere: ${result.head.seq}:${result.head.hash}`
}

const [file, kept = `0:${genesis.hash}`] = parseArgs({ allowPositionals: true }).positionals
if (file === undefined) {
  console.error('Name the log: npm run audit:verify -- .data/server/audit.jsonl')
  process.exitCode = 2
} else {
  await verify(file, kept).then(
    (message) => console.log(message),
    (error: Error) => {
      console.error(error.message)
      process.exitCode = 1
    },
  )
}
