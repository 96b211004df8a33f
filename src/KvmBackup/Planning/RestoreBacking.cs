namespace KvmBackup.Planning;

/// <summary>A backing file as a qcow2 header names it.</summary>
public sealed record RestoreBacking(string Name, string Format);
