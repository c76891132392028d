"""Ends well when the worker of this very container answers: it may be dead in a container that is up. In Airflow's own
words (`celery --app … inspect ping`) this costs ten times as much, since that loads all of Airflow.
"""

import os
import socket
import sys

from celery import Celery

answers = Celery(broker=os.environ["AIRFLOW__CELERY__BROKER_URL"]).control.ping([f"celery@{socket.gethostname()}"], timeout=5)
print(answers or "no worker answers")
sys.exit(0 if answers else 1)
