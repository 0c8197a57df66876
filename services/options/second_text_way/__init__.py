"""GOV.UK Notify as the second way of texting, for what the first has surely not taken."""
