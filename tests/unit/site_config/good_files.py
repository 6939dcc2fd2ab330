"""A site.yaml and a challenge.yaml that are right."""

SITE = """\
site: {name: Example HPC, url: https://portal.example/, support: help@portal.example}
database: {url: sqlite:///sealrun.db}
login:
  providers:
    - id: campus
      title: Campus account
      issuer: https://idp.example
      client_id: sealrun
      client_secret_file: secrets/campus
      require: {acr: https://refeds.example/mfa}
      staff: {entitlement: [staff-a, staff-b]}
clusters:
  main:
    connect: {ssh: {host: login1, user: challenge, key_file: key, known_hosts: /etc/hosts.known}}
    slurm: {account: challenges, qos: challenge}
    storage: /shared/sealrun
profiles:
  gpu: {cluster: main, partition: gpu, gres: gpu:1, cpus: 8, memory: 32G, time: 1h, running: 4}
  score: {cluster: main, partition: cpu, cpus: 2, memory: 8G, time: 20m}
  build: {cluster: main, partition: cpu, cpus: 2, memory: 8G, time: 30m}
data:
  cells-test: {path: /data/cells-test, challenges: [cell-count]}
  cells-truth: {path: /data/cells-truth, challenges: [cell-count]}
limits: {upload: 20G, output: 2G, output_files: 10000}
"""

CHALLENGE = """\
schema: 1
slug: cell-count
title: Count the cells
pages: [{title: Overview, file: overview.md}]
terms: terms.md
join: {policy: open}
teams: {max_size: 4}
tasks:
  cells:
    input: {data: cells-test}
    truth: {data: cells-truth}
    sample: sample/
    scorer: {image: scorer.tar}
    base: {image: base.tar}
    predict: {profile: gpu, argv: [/app/predict]}
    score: {profile: score}
    outputs: {max: 500M, files: 1000, required: [counts.csv]}
phases:
  - id: dev
    start: 2026-12-01T00:00Z
    end: 2027-01-31T23:59Z
    tasks: [cells]
    kinds: [image, code, results]
    limits: {per_day: 5, total: 100, running: 1}
leaderboard:
  rule: best
  columns:
    - {key: f1, title: F1, sort: desc, precision: 3, min: 0, max: 1, primary: true}
    - {key: loss, title: Loss, sort: asc}
"""
