namespace KvmBackup.Model.Backups;

/// <summary>Records the files that a restore creates, so that they are found after a crash.</summary>
public interface IRestoreRecord
{
    /// <summary>Called before the file is created. The file must not exist yet.</summary>
    void Begin(string path);

    /// <summary>Called after the file was created, while it is still empty.</summary>
    void RecordCreated(string path, FileIdentity identity);

    /// <summary>Called when the file could not be created: an existing file of that name is not ours.</summary>
    void Forget(string path);
}
