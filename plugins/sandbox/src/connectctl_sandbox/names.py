"""Names for the seeded world."""

from __future__ import annotations

FIRST = """
Ada Bruno Chiara Dmitri Elif Farid Greta Hiro Ines Jonas Kavya Liam Mei Nadia Oscar Priya Quentin Rosa Samir Tilda
Uma Viktor Wanda Ximena Yusuf Zoe Anton Bianca Cyril Dalia
"""
LAST = """
Byron Rossi Conti Volkov Aydin Haddad Lindqvist Tanaka Moreira Weber Iyer Murphy Chen Petrova Nilsen Sharma Laurent
Alvarez Khoury Berg Okafor Novak Zielinska Ortega Demir Martin Kral Silva Dubois Noor
"""
TOPICS = (
    "Data Protection|Forklift Safety|First Aid|Security Awareness|Project Management|Public Speaking|"
    "Cloud Foundations|Food Hygiene|Customer Care|Anti-Bribery|Fire Warden|Agile Delivery|Python Programming|"
    "Spreadsheet Skills|Sales Negotiation|Inclusive Leadership|Electrical Safety|Incident Response|"
    "Technical Writing|Warehouse Operations"
)
