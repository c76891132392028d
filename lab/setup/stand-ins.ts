import { join } from 'node:path'
import { root } from '../paths.ts'
import { baseStep, frontendStep } from './images.ts'
import { bringAbout, type Step } from './steps.ts'

/**
 * Images of others that a single example names: the folder of lab/images that stands in for each. Set-up does not wait
 * for them; whoever opens the example does.
 */
const folders: Readonly<Record<string, string>> = {
  'mysql:8': 'mysql',
  // Python 3.11 on Debian 12 is what python:3 stands for as well, where it cannot be pulled.
  'python:3.11-slim-bookworm': 'python',
  'postgres:15': 'postgres',
  'python:3.11-slim': 'python',
  'rabbitmq:3': 'rabbitmq',
  // Of the samples of docker/awesome-compose.
  'eclipse-temurin:17-jre-focal': 'java',
  'golang:1.18-alpine': 'golang',
  'mariadb:10-focal': 'mysql',
  'mariadb:10.6.4-focal': 'mysql',
  'maven:3.8.5-eclipse-temurin-17': 'java',
  'nginx:1-bookworm': 'nginx-old',
  'nginx:1.13-alpine': 'nginx',
  'nginx:1.21.6': 'nginx',
  'nginx:latest': 'nginx',
  'node:14.17.3-alpine3.14': 'node',
  'php:8.0.9-apache': 'php',
  'postgres:latest': 'postgres',
  'python:3.10-alpine': 'python',
  'python:3.7-alpine': 'python-old',
  'redislabs/redismod:latest': 'redis',
  'tiangolo/uvicorn-gunicorn-fastapi:python3.9-slim': 'fastapi',
}

function stepOf(reference: string): Step[] {
  if (reference.startsWith('docker/dockerfile:')) return [frontendStep(reference)]
  const folder = folders[reference]
  if (folder === undefined) return []
  const shared = folder === 'nginx-old' ? ['nginx.conf', 'default.conf'] : []
  const files = Object.fromEntries(shared.map((file) => [file, join(root, 'lab/images/nginx', file)]))
  return [baseStep(folder, reference, folder === 'nginx' ? 'forky' : 'bookworm', files)]
}

/** Has those of these images here that set-up has not: pulled, or made from packages. What is there is used. */
export async function bringImages(references: readonly string[]): Promise<void> {
  const steps = references.flatMap(stepOf)
  if (steps.length > 0) await bringAbout(steps, (line) => process.stderr.write(`${line}\n`))
}
