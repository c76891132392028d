import { describe, expect, it } from 'vitest'
import { baseReference } from '../../src/tools/dockerfile.ts'

describe('the image that a Dockerfile builds on', () => {
  it.each<[string, string, { target?: string; args?: Record<string, string> }, string | undefined]>([
    ['its only FROM', 'FROM python:3\nRUN x\n', {}, 'python:3'],
    ['whatever the case, with a platform', 'from --platform=$BUILDPLATFORM  python:3  AS web\n', {}, 'python:3'],
    ['the last stage', 'FROM node:22 AS assets\nFROM python:3\nCOPY --from=assets / /\n', {}, 'python:3'],
    ['the stage that is built', 'FROM node:22 AS assets\nFROM python:3\n', { target: 'Assets' }, 'node:22'],
    ['what a stage stands on', 'FROM python:3 AS base\nFROM node:22 AS other\nFROM base\n', {}, 'python:3'],
    ['a stage of the name of its image', 'FROM python AS python\nFROM python\n', {}, 'python'],
    ['a variable', 'ARG TAG=3.12\nARG IMAGE=python:$TAG\nFROM ${IMAGE}\n', {}, 'python:3.12'],
    ['a variable that the build sets', 'ARG TAG=3.12\nFROM python:${TAG}\n', { args: { TAG: '3.13' } }, 'python:3.13'],
    ['a variable in quotes', 'ARG TAG="3.12"\nFROM python:$TAG\n', {}, 'python:3.12'],
    ['a default at the place itself', 'ARG TAG\nFROM python:${TAG:-3}${X:+-y}\n', {}, 'python:3'],
    ['lines that go on', '# a comment\nFROM \\\n  # another\n  python:3\n', {}, 'python:3'],
    ['no FROM of a here-document', 'FROM python:3\nRUN <<EOF\nFROM evil\nEOF\n', {}, 'python:3'],
    ['a digest', `FROM python@sha256:${'a'.repeat(64)}\n`, {}, `python@sha256:${'a'.repeat(64)}`],
    ['nothing for scratch', 'FROM golang AS build\nFROM scratch\n', {}, undefined],
    ['nothing for a variable that nobody sets', 'ARG IMAGE\nFROM $IMAGE\n', {}, undefined],
    ['nothing for a form of a variable that is not known', 'ARG TAG=v3\nFROM python:${TAG#v}\n', {}, undefined],
    ['nothing for a form within another', 'ARG A=b\nFROM python:${C:-${A}}\n', {}, undefined],
    ['nothing for a variable of a stage', 'FROM a\nARG IMAGE=b\nFROM $IMAGE\n', {}, undefined],
    ['nothing for the number of a stage, which BuildKit does not take', 'FROM node:22\nFROM python:3\n', { target: '0' }, undefined],
    ['nothing for a stage that is not there', 'FROM a\n', { target: 'b' }, undefined],
    ['nothing without a FROM', '\n', {}, undefined],
  ])('is %s', (_, dockerfile, { target, args = {} }, reference) => {
    expect(baseReference(dockerfile, { args, ...(target === undefined ? {} : { target }) })).toBe(reference)
  })
})
