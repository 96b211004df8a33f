namespace KvmBackup.Model.Backups;

/// <summary>Where a restore writes down the files that it makes, so that they are found when it is killed.</summary>
public interface IRestoreRecord
{
    /// <summary>Before a file is made, which must not be there yet.</summary>
    void Begin(string path);

    /// <summary>When it is there, and still empty.</summary>
    void Made(string path, FileIdentity identity);

    /// <summary>It could not be made: what has that name is not ours.</summary>
    void Forget(string path);
}
