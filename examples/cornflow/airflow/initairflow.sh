#!/bin/sh
# initairflow.sh init: once for each release, before anything of it starts. Every other word is a command of airflow.
set -e
[ "$1" = init ] || exec airflow "$@"
airflow db migrate
airflow users create --username "$AIRFLOW_USER" --password "$AIRFLOW_PWD" --role Admin \
  --firstname Airflow --lastname Administrator --email "$AIRFLOW_USER@localhost"
# Who was there already keeps an old password otherwise.
airflow users reset-password --username "$AIRFLOW_USER" --password "$AIRFLOW_PWD"
