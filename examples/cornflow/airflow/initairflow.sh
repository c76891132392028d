#!/bin/sh
# initairflow.sh init: once for each release, before anything of it starts. Every other word is a command of airflow.
set -e
[ "$1" = init ] || exec airflow "$@"
# Hundreds of lines about rights that it gives to roles.
export AIRFLOW__LOGGING__LOGGING_LEVEL=WARNING AIRFLOW__LOGGING__FAB_LOGGING_LEVEL=WARNING
airflow db migrate
# Who is there already stays as he is, with the password that he has by now.
airflow users create --username "$AIRFLOW_USER" --password "$AIRFLOW_PWD" --role Admin \
  --firstname Airflow --lastname Administrator --email "$AIRFLOW_USER@localhost"
# What instances and solutions look like, as update_all_schemas would do it later.
python "$AIRFLOW_HOME/dags/update_all_schemas.py"
