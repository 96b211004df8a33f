namespace KvmBackup.Configuration;

/// <summary>A key and what it says.</summary>
internal sealed record MapEntry(TextNode Key, ConfigurationNode Value);
