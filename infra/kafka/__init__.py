"""Provides a real Apache Kafka on loopback: one KRaft node, its jars from Maven Central, Java from a wheel."""
